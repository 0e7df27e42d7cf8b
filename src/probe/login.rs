//! A login under way.

use std::time::Instant;

use super::Memory;
use super::memory::Account;
use crate::report::FailureReason;

/// A login under way. One that ends without a verdict after its password was sent, by an outage or
/// for want of time, has the pause of an earlier rejection begin anew, and begins none.
pub struct LoginAttempt<'m> {
    memory: &'m Memory,
    module: &'m str,
    account: Account,
    unjudged: bool,
}

impl<'m> LoginAttempt<'m> {
    pub(super) const fn new(memory: &'m Memory, module: &'m str, account: Account) -> Self {
        Self { memory, module, account, unjudged: false }
    }

    /// The password is about to be sent.
    pub const fn sends_password(&mut self) {
        self.unjudged = true;
    }

    /// Whether the password was sent, and nothing is known of what became of it.
    #[must_use]
    pub const fn is_unjudged(&self) -> bool {
        self.unjudged
    }

    /// It was not sent after all.
    pub const fn sent_nothing(&mut self) {
        self.unjudged = false;
    }

    /// It came to nothing: the next one waits, and longer each time.
    pub fn rejected(&mut self, reason: FailureReason) {
        self.unjudged = false;
        self.memory.login_rejected(&self.account, self.module, reason, Instant::now());
    }

    /// It went through.
    pub fn accepted(&mut self) {
        self.unjudged = false;
        self.memory.login_accepted(&self.account);
    }
}

impl Drop for LoginAttempt<'_> {
    fn drop(&mut self) {
        if self.unjudged {
            self.memory.login_unjudged(&self.account, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn one_that_ends_without_a_verdict_has_an_earlier_pause_begin_anew() {
        let (ada, eve) = (Account::new("o", "ada", "pw"), Account::new("o", "eve", "pw"));
        let memory = Memory::default();
        let long_ago = Instant::now().checked_sub(Duration::from_secs(90)).expect("a time");
        memory.login_rejected(&ada, "m", FailureReason::LoginRejected, long_ago);
        let waits = |account| memory.login_pause(account, "m", Instant::now()).is_some();
        let attempt = |account| LoginAttempt::new(&memory, "m", account);

        // Nothing was sent.
        drop(attempt(ada));
        let mut none_sent = attempt(ada);
        none_sent.sends_password();
        none_sent.sent_nothing();
        drop(none_sent);
        assert!(!waits(&ada));

        for account in [ada, eve] {
            attempt(account).sends_password();
        }
        assert!(waits(&ada));
        assert!(!waits(&eve));

        let mut accepted = attempt(ada);
        accepted.sends_password();
        accepted.accepted();
        drop(accepted);
        assert!(!waits(&ada));
    }
}
