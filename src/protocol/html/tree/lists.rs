//! `<select>` and its options.

use super::open::Surroundings;
use super::text::collapsed;
use super::{OpenOption, Tree};
use crate::protocol::html::parse::{MAX_OPTIONS, PageTooLarge};
use crate::protocol::html::{Attributes, Choice};

impl Tree {
    pub(super) fn start_option(
        &mut self,
        attributes: &Attributes,
        inside: Surroundings,
    ) -> Result<(), PageTooLarge> {
        if self.select.is_none() || inside.inert {
            return Ok(());
        }
        if self.options == MAX_OPTIONS {
            return Err(PageTooLarge::Options);
        }
        self.options += 1;
        self.option = Some(OpenOption {
            value: attributes.value("value").map(str::to_owned),
            text: String::new(),
            selected: attributes.has("selected"),
            disabled: attributes.has("disabled") || inside.in_disabled_group,
        });
        Ok(())
    }

    pub(super) fn end_select(&mut self) {
        self.end_option();
        self.select = None;
        self.open.close(&["select"], |_| false);
    }

    pub(super) fn end_option(&mut self) {
        let Some(option) = self.option.take() else { return };
        self.open.close(&["option"], |name| name == "select");
        let select = self.select.and_then(|select| self.drafts.get_mut(select));
        if let Some(select) = select {
            select.control.options.push(Choice {
                value: option.value.unwrap_or_else(|| collapsed(&option.text)),
                selected: option.selected,
                disabled: option.disabled,
            });
        }
    }
}
