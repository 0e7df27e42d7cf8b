//! Users with bcrypt passwords, and what it may cost to check one.
//!
//! A check is slow on purpose. Four things keep a flood of them from taking the machine: what
//! was checked is remembered, few checks run at once, each client has one turn at a time, so
//! that a client waits for the clients before it and not for all that they sent, and the checks
//! run when no probe wants the core.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore, oneshot};

use crate::settings::{Error, Path};

/// Credentials that were found good, and those found bad, are remembered up to this many each.
const REMEMBERED: usize = 512;
/// Different credentials of one client that wait for their check.
const MOST_WAITING: usize = 8;
/// The niceness of a check: whoever else has work goes first.
const LOWEST_PRIORITY: i32 = 19;
/// With as many clients at once, those that nothing is left of are looked for.
const MOST_CLIENTS: usize = 1024;
/// Above this cost a check takes seconds.
const COSTLY: u32 = 14;

/// The users of the file.
#[derive(Default)]
pub(super) struct Users {
    hashes: BTreeMap<String, Hash>,
    /// The highest cost of a user. Every check costs as much, whoever is named.
    highest_cost: u32,
}

struct Hash {
    text: String,
    cost: u32,
}

impl Users {
    /// Reads the hashes.
    pub(super) fn new(
        users: BTreeMap<String, String>,
        warnings: &mut Vec<String>,
    ) -> Result<Self, Error> {
        let at = Path::default().key("basic_auth_users");
        let mut hashes = BTreeMap::new();
        for (name, text) in users {
            let at = at.key(&name);
            // The first colon of a credential ends the name (RFC 7617 §2).
            if name.is_empty() || name.contains(':') || name.chars().any(char::is_control) {
                return Err(
                    at.error("can be nobody's name: empty, or with a colon or a control character")
                );
            }
            let parts = bcrypt::HashParts::from_str(&text)
                .ok()
                .filter(|parts| (4..=31).contains(&parts.get_cost()))
                .ok_or_else(|| at.error("is no bcrypt hash"))?;
            let cost = parts.get_cost();
            if cost > COSTLY {
                warnings.push(format!("{at}: a check at cost {cost} takes long"));
            }
            hashes.insert(name, Hash { text, cost });
        }
        let highest_cost = hashes.values().map(|hash| hash.cost).max().unwrap_or_default();
        Ok(Self { hashes, highest_cost })
    }

    /// Without users everybody is let in.
    pub(super) fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// The user that a credential names, if there is one of that name.
    pub(super) fn named(&self, authorization: &HeaderValue) -> Option<&str> {
        let credential = Credential::parse(authorization)?;
        self.hashes.get_key_value(&credential.user).map(|(name, _)| name.as_str())
    }

    /// Whether the password is the user's. It takes as long for one user as for another, and for
    /// nobody: a hash of cost c takes 2^c rounds, and those of the costs from c to the highest
    /// make up for the rest.
    fn verify(&self, credential: &Credential) -> bool {
        let (good, mut spent) = if let Some(hash) = self.hashes.get(&credential.user) {
            (bcrypt::verify(&credential.password, &hash.text).unwrap_or(false), hash.cost)
        } else {
            decoy(&credential.password, self.highest_cost);
            (false, self.highest_cost)
        };
        while spent < self.highest_cost {
            decoy(&credential.password, spent);
            spent += 1;
        }
        good
    }
}

/// Spends what a check of this cost spends.
fn decoy(password: &[u8], cost: u32) {
    let _ = std::hint::black_box(bcrypt::hash_with_salt(password, cost, *b"nobody's at home"));
}

/// What came in an `Authorization` header.
struct Credential {
    user: String,
    password: Vec<u8>,
}

impl Credential {
    /// RFC 7617 §2: the scheme in any case, spaces (RFC 9110 §11.4), then base64 of `user:password`.
    fn parse(header: &HeaderValue) -> Option<Self> {
        let text = header.to_str().ok()?;
        let (scheme, encoded) = text.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = STANDARD.decode(encoded.trim()).ok()?;
        let colon = decoded.iter().position(|byte| *byte == b':')?;
        let user = std::str::from_utf8(decoded.get(..colon)?).ok()?.to_owned();
        Some(Self { user, password: decoded.get(colon + 1..)?.to_vec() })
    }
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is answered.
    Admitted,
    /// 401.
    Refused,
    /// Too many checks wait for this client.
    Busy,
}

/// Names a credential without holding it: keyed, so that nobody can make two alike.
type Digest = [u8; 32];

/// Checks credentials, a few at a time.
pub(super) struct Gate {
    key: hmac::Key,
    remembered: Mutex<Remembered>,
    /// Checks that are under way or wait: requests with the same credential share one.
    checks: Mutex<HashMap<Digest, Arc<OnceCell<bool>>>>,
    /// Clients that wait or are checked.
    clients: Mutex<HashMap<IpAddr, Client>>,
    /// Checks at once.
    running: Arc<Semaphore>,
}

struct Client {
    waiting: usize,
    turn: Arc<Semaphore>,
}

#[derive(Default)]
struct Remembered {
    good: Recent,
    bad: Recent,
}

/// The newest of what was added.
#[derive(Default)]
struct Recent {
    known: HashSet<Digest>,
    order: VecDeque<Digest>,
}

impl Recent {
    fn add(&mut self, digest: Digest) {
        if self.known.insert(digest) {
            self.order.push_back(digest);
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

impl Default for Gate {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let mut secret = [0; 32];
        // Without randomness of the system there would be no TLS either; the keys are then guessable.
        let _ = aws_lc_rs::rand::fill(&mut secret);
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &secret),
            remembered: Mutex::default(),
            checks: Mutex::default(),
            clients: Mutex::default(),
            // Half of the machine is for the probes.
            running: Arc::new(Semaphore::new((cores / 2).clamp(1, 4))),
        }
    }
}

impl Gate {
    /// Judges a request of a client.
    pub(super) async fn judge(
        &self,
        users: &Arc<Users>,
        authorization: Option<&HeaderValue>,
        client: IpAddr,
    ) -> Verdict {
        if users.is_empty() {
            return Verdict::Admitted;
        }
        let Some(credential) = authorization.and_then(Credential::parse) else {
            return Verdict::Refused;
        };
        let digest = self.digest(users, &credential);
        if let Some(good) = self.remembered(&digest) {
            return if good { Verdict::Admitted } else { Verdict::Refused };
        }
        let check = Check { gate: self, digest, cell: self.check(digest) };
        let checked = check
            .cell
            .get_or_try_init(|| self.verify(users.clone(), credential, digest, network(client)))
            .await;
        match checked {
            Ok(true) => Verdict::Admitted,
            Ok(false) => Verdict::Refused,
            Err(Busy) => Verdict::Busy,
        }
    }

    fn digest(&self, users: &Users, credential: &Credential) -> Digest {
        let hash = users.hashes.get(&credential.user).map_or("", |hash| hash.text.as_str());
        let mut context = hmac::Context::with_key(&self.key);
        for part in [credential.user.as_bytes(), hash.as_bytes(), &credential.password] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        Digest::try_from(context.sign().as_ref()).unwrap_or_default()
    }

    fn remembered(&self, digest: &Digest) -> Option<bool> {
        let remembered = lock(&self.remembered);
        if remembered.good.known.contains(digest) {
            return Some(true);
        }
        remembered.bad.known.contains(digest).then_some(false)
    }

    fn check(&self, digest: Digest) -> Arc<OnceCell<bool>> {
        lock(&self.checks).entry(digest).or_default().clone()
    }

    async fn verify(
        &self,
        users: Arc<Users>,
        credential: Credential,
        digest: Digest,
        client: IpAddr,
    ) -> Result<bool, Busy> {
        let waiting = Waiting::begin(self, client).ok_or(Busy)?;
        let turn = permit(waiting.turn.clone()).await;
        let running = permit(self.running.clone()).await;
        // Another request may have brought the same meanwhile.
        if let Some(good) = self.remembered(&digest) {
            return Ok(good);
        }
        let (tell, told) = oneshot::channel();
        // A thread of its own: those of the runtime have other work, too, and keep their priority.
        std::thread::Builder::new()
            .name("bcrypt".to_owned())
            .spawn(move || {
                // On Linux this is the thread's own. Where it is forbidden, the kernel shares evenly.
                let _ = rustix::process::setpriority_process(None, LOWEST_PRIORITY);
                let good = users.verify(&credential);
                // Held until the work is done, also when the client no longer waits for it.
                drop((turn, running));
                let _ = tell.send(good);
            })
            // No more threads are to be had.
            .map_err(|_| Busy)?;
        // A bug: nobody is let in, and nothing is remembered of it.
        let Ok(good) = told.await else { return Ok(false) };
        let mut remembered = lock(&self.remembered);
        if good { &mut remembered.good } else { &mut remembered.bad }.add(digest);
        Ok(good)
    }
}

struct Busy;

/// A request that takes part in a check; the last one to leave forgets it.
struct Check<'a> {
    gate: &'a Gate,
    digest: Digest,
    cell: Arc<OnceCell<bool>>,
}

impl Drop for Check<'_> {
    fn drop(&mut self) {
        let mut checks = lock(&self.gate.checks);
        // The map's and this one.
        if Arc::strong_count(&self.cell) <= 2 {
            checks.remove(&self.digest);
        }
    }
}

/// A check that waits for its turn or runs.
struct Waiting<'a> {
    gate: &'a Gate,
    client: IpAddr,
    turn: Arc<Semaphore>,
}

impl<'a> Waiting<'a> {
    fn begin(gate: &'a Gate, client: IpAddr) -> Option<Self> {
        let mut clients = lock(&gate.clients);
        if clients.len() >= MOST_CLIENTS {
            // Those whose check ran on without them.
            clients.retain(|_, known| known.waiting > 0 || Arc::strong_count(&known.turn) > 1);
        }
        let known = clients
            .entry(client)
            .or_insert_with(|| Client { waiting: 0, turn: Arc::new(Semaphore::new(1)) });
        if known.waiting >= MOST_WAITING {
            return None;
        }
        known.waiting += 1;
        Some(Self { gate, client, turn: known.turn.clone() })
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut clients = lock(&self.gate.clients);
        if let Some(known) = clients.get_mut(&self.client) {
            known.waiting -= 1;
            // A check that runs on without its client holds the turn.
            if known.waiting == 0 && Arc::strong_count(&known.turn) <= 2 {
                clients.remove(&self.client);
            }
        }
    }
}

/// A semaphore is never closed here.
async fn permit(semaphore: Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    semaphore.acquire_owned().await.ok()
}

/// Whoever has one address of IPv6 has its /64.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
        }
        address @ IpAddr::V4(_) => address,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {

    use super::*;

    /// Two users of different costs.
    fn users() -> Arc<Users> {
        let hashes = [("cheap", 4), ("dear", 6)].map(|(name, cost)| {
            let salt = *b"salt of the test";
            let hash = bcrypt::hash_with_salt(format!("{name}'s"), cost, salt).unwrap();
            (name.to_owned(), hash.format_for_version(bcrypt::Version::TwoY))
        });
        Arc::new(Users::new(hashes.into(), &mut Vec::new()).unwrap())
    }

    fn basic(credential: &str) -> HeaderValue {
        HeaderValue::try_from(format!("Basic {}", STANDARD.encode(credential))).unwrap()
    }

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[tokio::test]
    async fn a_request_needs_the_password_of_a_user() {
        let (gate, users) = (Gate::default(), users());
        for (header, verdict) in [
            (None, Verdict::Refused),
            (Some(basic("cheap:cheap's")), Verdict::Admitted),
            (Some(basic("dear:dear's")), Verdict::Admitted),
            (Some(HeaderValue::from_static("Basic  ZGVhcjpkZWFyJ3M=")), Verdict::Admitted),
            (Some(basic("dear:cheap's")), Verdict::Refused),
            (Some(basic("nobody:cheap's")), Verdict::Refused),
            (Some(basic(":")), Verdict::Refused),
            (Some(basic("cheap")), Verdict::Refused),
            (Some(HeaderValue::from_static("Bearer x")), Verdict::Refused),
            (Some(HeaderValue::from_static("Basic !")), Verdict::Refused),
        ] {
            // The second time from memory.
            for _ in 0..2 {
                let judged = gate.judge(&users, header.as_ref(), HERE).await;
                assert_eq!(judged, verdict, "{header:?}");
            }
        }
        assert!(lock(&gate.checks).is_empty() && lock(&gate.clients).is_empty());
        let nobody = Arc::new(Users::default());
        assert_eq!(gate.judge(&nobody, None, HERE).await, Verdict::Admitted);
    }

    #[test]
    fn the_rounds_spent_are_the_same_for_every_user_and_for_nobody() {
        let users = Users { highest_cost: 10, ..Arc::into_inner(users()).unwrap() };
        // CPU time of this thread, in nanoseconds: what else runs here does not count.
        let spent = || -> u64 {
            let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
            text.split_whitespace().next().unwrap().parse().unwrap()
        };
        let time = |user: &str| {
            let credential = Credential { user: user.to_owned(), password: b"x".to_vec() };
            let times = (0..5).map(|_| {
                let before = spent();
                assert!(!users.verify(&credential));
                spent() - before
            });
            u32::try_from(times.min().unwrap()).map(f64::from).unwrap()
        };
        let (cheap, dear, nobody) = (time("cheap"), time("dear"), time("nobody"));
        // A cost less or more is a factor of 2.
        for (one, other) in [(cheap, dear), (dear, nobody), (nobody, cheap)] {
            assert!((0.6..1.6).contains(&(one / other)), "{cheap} {dear} {nobody}");
        }
    }

    #[tokio::test]
    async fn a_client_that_floods_is_told_so_and_others_have_their_turn() {
        let (gate, users) = (Arc::new(Gate::default()), users());
        let flood = (0..100).map(|number| {
            let (gate, users) = (gate.clone(), users.clone());
            tokio::spawn(async move {
                gate.judge(&users, Some(&basic(&format!("cheap:{number}"))), HERE).await
            })
        });
        let flood: Vec<_> = flood.collect();
        // As many again with one credential share one check.
        let same = (0..100).map(|_| {
            let (gate, users) = (gate.clone(), users.clone());
            tokio::spawn(async move {
                gate.judge(&users, Some(&basic("dear:dear's")), IpAddr::from([127, 0, 0, 2])).await
            })
        });
        let same: Vec<_> = same.collect();
        for request in same {
            assert_eq!(request.await.unwrap(), Verdict::Admitted);
        }
        let (mut refused, mut busy) = (0, 0);
        for request in flood {
            match request.await.unwrap() {
                Verdict::Refused => refused += 1,
                Verdict::Busy => busy += 1,
                Verdict::Admitted => panic!("a wrong password"),
            }
        }
        assert_eq!(refused + busy, 100);
        assert!(refused >= MOST_WAITING && busy > 0, "{refused} refused, {busy} busy");
        assert!(lock(&gate.checks).is_empty() && lock(&gate.clients).is_empty());
    }

    #[test]
    fn hashes_are_checked_when_they_are_read() {
        let good = &*bcrypt::hash("password", 4).unwrap();
        for (name, hash, error) in [
            (
                "",
                good,
                "basic_auth_users.\"\": can be nobody's name: empty, or with a colon or a control character",
            ),
            (
                "a:b",
                good,
                "basic_auth_users.a:b: can be nobody's name: empty, or with a colon or a control character",
            ),
            ("a", "password", "basic_auth_users.a: is no bcrypt hash"),
            ("a", "", "basic_auth_users.a: is no bcrypt hash"),
            ("a", &good.replace("$04$", "$03$"), "basic_auth_users.a: is no bcrypt hash"),
            ("a", &good.replace("$04$", "$32$"), "basic_auth_users.a: is no bcrypt hash"),
        ] {
            let users = BTreeMap::from([(name.to_owned(), hash.to_owned())]);
            let found = Users::new(users, &mut Vec::new()).err().map(|error| error.to_string());
            assert_eq!(found.as_deref(), Some(error));
        }
        let mut warnings = Vec::new();
        let users = BTreeMap::from([("a".to_owned(), good.replace("$04$", "$17$"))]);
        assert!(Users::new(users, &mut warnings).is_ok());
        assert_eq!(warnings, ["basic_auth_users.a: a check at cost 17 takes long"]);
    }

    #[test]
    fn an_ipv6_client_is_its_network() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(network(address("2001:db8:1:2:3:4:5:6")), address("2001:db8:1:2::"));
        assert_eq!(network(address("::ffff:192.0.2.1")), address("192.0.2.1"));
        assert_eq!(network(address("192.0.2.1")), address("192.0.2.1"));
    }
}
