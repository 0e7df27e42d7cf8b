//! XML signatures and canonical forms against `xmlsec1` and libxml2.

mod canonical_forms;
mod costs;
mod made;
mod metadata;
mod signatures;
mod xmlsec1;
