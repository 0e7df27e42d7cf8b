//! What outlives a probe: tokens of earlier ones, rejected logins and spent codes. Kept in memory
//! alone, bounded, and forgotten once it is of no use. Tokens belong to a configuration, and a
//! change of it forgets them; logins belong to a user, whatever modules know of them. Results that
//! are served again are kept beside the runs that they come from, in `results`, and what secrets were before they
//! were rotated in `rotation`.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::flight::Flights;
use super::rotation::Rotation;
use super::{Module, Target};
use crate::report::FailureReason;
use crate::secret::SecretText;

/// Modules and targets that tokens are kept for.
const MOST_ENTRIES: usize = 20_000;
/// Tokens kept of one module and target. They are a fraction of their lifetime apart, so that
/// the oldest one is always old, though not every token is kept.
const MOST_TOKENS: usize = 4;
const TOKENS: f64 = 4.0;
/// A year, in seconds.
const LONGEST_KEPT: f64 = 31_536_000.0;
/// A token that waits to be sent after its expiry is given up when nobody asked for it so long.
const GIVEN_UP_AFTER: f64 = 86_400.0;
/// How often what is over is looked for, in seconds.
const SWEPT_EVERY: f64 = 60.0;

/// What is kept of all modules and targets, and the runs that scrapes share.
#[derive(Default)]
pub struct Memory {
    state: Mutex<State>,
    pub(super) flights: Flights,
    pub(super) rotation: Rotation,
}

#[derive(Default)]
struct State {
    entries: HashMap<Key, Entry>,
    swept: f64,
    /// Logins that came to nothing.
    rejected: HashMap<[u8; 32], Rejected>,
    /// The last codes that were sent, by a hash of the secret.
    spent: HashMap<[u8; 32], Spent>,
}

/// Users whose logins are remembered.
const MOST_USERS: usize = 10_000;
/// The first pause after a rejected login. Each further one doubles it, so that it is
/// never much longer than the logins have been failing.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// A login that was rejected. A clock that is set changes nothing of its pause.
struct Rejected {
    at: Instant,
    /// Since when the next one waits.
    waits_since: Instant,
    pause: Duration,
    reason: FailureReason,
    /// Whose login it was, and with which password.
    module: String,
    password: [u8; 32],
}

struct Spent {
    /// The time step.
    step: u64,
    /// When it is over, in Unix seconds.
    until: u64,
}

/// A user at an origin, and the password that is tried, as hashes.
#[derive(Debug, Clone, Copy)]
pub struct Account {
    user: [u8; 32],
    password: [u8; 32],
}

impl Account {
    /// Of a user whose password goes to `origin`.
    #[must_use]
    pub fn new(origin: &str, username: &str, password: &str) -> Self {
        Self { user: hash(&[origin, username]), password: hash(&[password]) }
    }
}

/// How long a login must wait.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pause {
    /// Since the last one was rejected.
    pub(super) since: Duration,
    /// Until the next one.
    pub(super) left: Duration,
    /// Why it was.
    pub(super) reason: FailureReason,
}

fn hash(parts: &[&str]) -> [u8; 32] {
    let mut hash = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for part in parts {
        hash.update(&part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finish().as_ref().try_into().unwrap_or_default()
}

/// What a token belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) module: String,
    pub(super) target: String,
    /// Hash of the module's configuration.
    pub(super) configuration: [u8; 32],
}

impl Key {
    pub(super) fn of(module: &Module, target: &Target) -> Self {
        Self {
            module: module.name.clone(),
            target: target.as_str().to_owned(),
            configuration: module.configuration,
        }
    }
}

#[derive(Default)]
struct Entry {
    /// Oldest first.
    tokens: Vec<Kept>,
    /// The one that is sent once it has been expired for a while.
    expiring: Option<Kept>,
}

struct Kept {
    token: SecretText,
    expires_at: f64,
}

impl Entry {
    fn is_over(&self, now: f64) -> bool {
        self.tokens.iter().all(|kept| kept.expires_at <= now)
            && self.expiring.as_ref().is_none_or(|kept| kept.expires_at + GIVEN_UP_AFTER <= now)
    }
}

impl State {
    /// The entry of a key; `None` when there are too many others.
    fn entry(&mut self, key: &Key, now: f64) -> Option<&mut Entry> {
        // The clock may have been set back.
        if (now - self.swept).abs() > SWEPT_EVERY {
            self.entries.retain(|_, entry| !entry.is_over(now));
            self.swept = now;
        }
        if self.entries.len() >= MOST_ENTRIES && !self.entries.contains_key(key) {
            return None;
        }
        Some(self.entries.entry(key.clone()).or_default())
    }
}

impl Memory {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The oldest kept token that does not expire before `until`.
    pub(super) fn previous(&self, key: &Key, until: f64) -> Option<SecretText> {
        let mut state = self.state();
        let entry = state.entries.get_mut(key)?;
        entry.tokens.retain(|kept| kept.expires_at > until);
        entry.tokens.first().map(|kept| kept.token.clone())
    }

    /// Keeps a token that was good, unless the last one was kept a short while ago. One that ends in
    /// years need not outlive a change of keys.
    pub(super) fn keep(&self, key: &Key, token: &SecretText, now: f64, expires_at: f64) {
        let mut state = self.state();
        let Some(entry) = state.entry(key, now) else { return };
        entry.tokens.retain(|kept| kept.expires_at > now);
        let apart = (expires_at - now) / TOKENS;
        let due = entry.tokens.last().is_none_or(|last| expires_at - last.expires_at >= apart);
        let soon = expires_at - now <= LONGEST_KEPT;
        if due && soon && expires_at > now && entry.tokens.len() < MOST_TOKENS {
            entry.tokens.push(Kept { token: token.clone(), expires_at });
        }
    }

    /// Keeps a token to send it after its expiry, unless another one waits for that which ends
    /// sooner: one that never ends would be waited for in vain.
    pub(super) fn await_expiry(&self, key: &Key, token: &SecretText, now: f64, expires_at: f64) {
        let mut state = self.state();
        let Some(entry) = state.entry(key, now) else { return };
        if entry.expiring.as_ref().is_none_or(|kept| expires_at < kept.expires_at) {
            entry.expiring = Some(Kept { token: token.clone(), expires_at });
        }
    }

    /// The token that expired at least `ago` seconds ago.
    pub(super) fn expired(&self, key: &Key, now: f64, ago: f64) -> Option<SecretText> {
        let state = self.state();
        let kept = state.entries.get(key)?.expiring.as_ref()?;
        (kept.expires_at + ago <= now).then(|| kept.token.clone())
    }

    /// How long the next login of this account must wait. The module whose password was rejected
    /// need not wait with a new one: somebody has mended it.
    pub(super) fn login_pause(
        &self,
        account: &Account,
        module: &str,
        now: Instant,
    ) -> Option<Pause> {
        let state = self.state();
        let rejected = state.rejected.get(&account.user)?;
        let mended = rejected.module == module && rejected.password != account.password;
        let since = now.duration_since(rejected.at);
        let waited = now.duration_since(rejected.waits_since);
        let left = rejected.pause.saturating_sub(waited);
        let reason = rejected.reason;
        (!left.is_zero() && !mended).then_some(Pause { since, left, reason })
    }

    /// A login came to nothing.
    pub(super) fn login_rejected(
        &self,
        account: &Account,
        module: &str,
        reason: FailureReason,
        now: Instant,
    ) {
        let mut state = self.state();
        // Long after the pause, nothing is left of it.
        state.rejected.retain(|_, rejected| {
            now.duration_since(rejected.waits_since) < rejected.pause + LONGEST_PAUSE
        });
        let before = state.rejected.get(&account.user).map(|rejected| rejected.pause);
        if before.is_none() && state.rejected.len() >= MOST_USERS {
            return;
        }
        let pause = before.map_or(FIRST_PAUSE, |pause| (pause * 2).min(LONGEST_PAUSE));
        let (module, password) = (module.to_owned(), account.password);
        let rejected = Rejected { at: now, waits_since: now, pause, reason, module, password };
        state.rejected.insert(account.user, rejected);
    }

    /// A login ended without a verdict, as by an outage: the pause of one that was rejected before
    /// begins anew, and no other begins.
    pub(super) fn login_unjudged(&self, account: &Account, now: Instant) {
        if let Some(rejected) = self.state().rejected.get_mut(&account.user) {
            rejected.waits_since = now;
        }
    }

    /// A login went through.
    pub(super) fn login_accepted(&self, account: &Account) {
        self.state().rejected.remove(&account.user);
    }

    /// Spends the code of a time step that is over at `until`; false when it, or a later one, was
    /// spent before. `secret` is a hash of it, `now` and `until` are Unix seconds.
    pub(super) fn spend_code(&self, secret: [u8; 32], step: u64, until: u64, now: u64) -> bool {
        let mut state = self.state();
        if state.spent.len() >= MOST_USERS {
            state.spent.retain(|_, spent| spent.until > now);
        }
        let spent = state.spent.entry(secret).or_insert(Spent { step: 0, until: 0 });
        // One far ahead was spent before the clock was set back.
        let fresh = step > spent.step || spent.step > step + 2;
        if fresh {
            *spent = Spent { step, until };
        }
        fresh
    }

    /// The expired token was refused, so that it has done its work.
    pub(super) fn expired_was_refused(&self, key: &Key) {
        if let Some(entry) = self.state().entries.get_mut(key) {
            entry.expiring = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(target: &str) -> Key {
        Key { module: "m".into(), target: target.into(), configuration: [0; 32] }
    }

    fn token(text: &str) -> SecretText {
        text.to_owned().into()
    }

    fn previous(memory: &Memory, key: &Key, now: f64) -> Option<String> {
        memory.previous(key, now).map(|token| token.expose().to_owned())
    }

    #[test]
    fn the_oldest_token_that_has_not_expired() {
        let (memory, key) = (Memory::default(), key("a"));
        assert_eq!(previous(&memory, &key, 0.0), None);
        for now in 0..20 {
            let now = f64::from(now) * 10.0;
            memory.keep(&key, &token(&format!("of {now}")), now, now + 100.0);
        }
        // One is kept each quarter of the lifetime, as soon as there is room for it.
        assert_eq!(previous(&memory, &key, 190.0).as_deref(), Some("of 120"));
        assert_eq!(previous(&memory, &key, 219.0).as_deref(), Some("of 120"));
        assert_eq!(previous(&memory, &key, 220.0).as_deref(), Some("of 150"));
        assert_eq!(previous(&memory, &key, 500.0), None);
    }

    #[test]
    fn tokens_belong_to_module_target_and_configuration() {
        let memory = Memory::default();
        memory.keep(&key("a"), &token("t"), 0.0, 100.0);
        let changed = Key { configuration: [1; 32], ..key("a") };
        for other in [key("b"), Key { module: "n".into(), ..key("a") }, changed] {
            assert_eq!(previous(&memory, &other, 1.0), None, "{other:?}");
        }
        assert_eq!(previous(&memory, &key("a"), 1.0).as_deref(), Some("t"));
    }

    #[test]
    fn an_expired_token_waits_until_it_is_due_and_was_refused() {
        let (memory, key) = (Memory::default(), key("a"));
        let expired = |now| memory.expired(&key, now, 60.0).map(|token| token.expose().to_owned());
        memory.await_expiry(&key, &token("first"), 0.0, 100.0);
        memory.await_expiry(&key, &token("second"), 10.0, 110.0);
        assert_eq!(expired(159.0), None);
        assert_eq!(expired(160.0).as_deref(), Some("first"));
        assert_eq!(expired(500.0).as_deref(), Some("first"));
        memory.expired_was_refused(&key);
        assert_eq!(expired(500.0), None);
        memory.await_expiry(&key, &token("endless"), 500.0, 1e12);
        memory.await_expiry(&key, &token("third"), 500.0, 600.0);
        assert_eq!(expired(660.0).as_deref(), Some("third"));
    }

    #[test]
    fn a_rejected_login_waits_longer_each_time() {
        let memory = Memory::default();
        let begin = Instant::now();
        let after = |seconds| begin + Duration::from_secs(seconds);
        let of = |user, password| Account::new("https://a.example", user, password);
        let (ada, eve, mended) = (of("ada", "old"), of("eve", "old"), of("ada", "new"));
        let pause = |account, now| memory.login_pause(account, "m", after(now));
        let left = |account, now| pause(account, now).map(|pause| pause.left.as_secs());
        let rejected =
            |now| memory.login_rejected(&ada, "m", FailureReason::LoginRejected, after(now));
        assert_eq!(left(&ada, 0), None);
        rejected(0);
        assert_eq!(left(&ada, 10), Some(50));
        assert_eq!(left(&eve, 10), None);
        assert_eq!(left(&mended, 10), None);
        let other_module = memory.login_pause(&mended, "other", after(10));
        assert_eq!(other_module.map(|pause| pause.left.as_secs()), Some(50));
        assert_eq!(left(&ada, 60), None);
        memory.login_rejected(&ada, "m", FailureReason::CaptchaRequired, after(60));
        assert_eq!(left(&ada, 60), Some(120));
        let reason = pause(&ada, 60).map(|pause| pause.reason);
        assert_eq!(reason, Some(FailureReason::CaptchaRequired));
        // An outage is no verdict: it ends no row of rejections, and begins none.
        memory.login_unjudged(&ada, after(190));
        assert_eq!(left(&ada, 200), Some(110));
        memory.login_unjudged(&eve, after(190));
        assert_eq!(left(&eve, 200), None);
        for _ in 0..10 {
            rejected(200);
        }
        assert_eq!(left(&ada, 200), Some(3_600));
        memory.login_accepted(&ada);
        assert_eq!(left(&ada, 200), None);
    }

    #[test]
    fn a_code_is_spent_once() {
        let memory = Memory::default();
        let spend =
            |secret, step| memory.spend_code(hash(&[secret]), step, step * 30 + 30, step * 30);
        assert!(spend("secret", 7));
        assert!(!spend("secret", 7));
        assert!(!spend("secret", 6));
        assert!(spend("other", 7));
        assert!(spend("secret", 8));
    }

    #[test]
    fn codes_are_forgotten_when_their_time_is_over_whatever_their_period() {
        let memory = Memory::default();
        for user in 0..MOST_USERS {
            assert!(memory.spend_code(hash(&["of a minute", &user.to_string()]), 10, 660, 600));
        }
        let of_half_a_minute = hash(&["of half a minute"]);
        // Of 30 s, when those of a minute are not over yet, and when they are.
        assert!(memory.spend_code(of_half_a_minute, 20, 630, 600));
        assert!(!memory.spend_code(hash(&["of a minute", "0"]), 10, 660, 630));
        assert!(memory.spend_code(of_half_a_minute, 22, 690, 660));
        assert_eq!(memory.state().spent.len(), 1);
    }

    #[test]
    fn what_is_over_is_forgotten_and_the_rest_is_bounded() {
        let memory = Memory::default();
        for number in 0..MOST_ENTRIES + 10 {
            memory.keep(&key(&number.to_string()), &token("t"), 0.0, 100.0);
        }
        assert_eq!(memory.state().entries.len(), MOST_ENTRIES);
        memory.keep(&key("later"), &token("t"), 200.0, 300.0);
        assert_eq!(memory.state().entries.len(), 1);
        // Also when the clock was set back meanwhile.
        memory.state().swept = 4_000.0;
        memory.keep(&key("after that"), &token("t"), 400.0, 500.0);
        assert_eq!(memory.state().entries.len(), 1);
    }
}
