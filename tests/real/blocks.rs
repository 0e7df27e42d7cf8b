//! Blocks of modules that differ in some fields.

use serde_json::Value;

/// A block with other or further fields; those that become null are left out.
pub(crate) fn with(block: &Value, changes: &Value) -> Value {
    let mut block = block.clone();
    merge(&mut block, changes);
    block
}

fn merge(into: &mut Value, changes: &Value) {
    let (Some(members), Some(changes)) = (into.as_object_mut(), changes.as_object()) else {
        *into = changes.clone();
        return;
    };
    for (name, change) in changes {
        if change.is_null() {
            members.remove(name);
        } else {
            merge(members.entry(name).or_insert(Value::Null), change);
        }
    }
}
