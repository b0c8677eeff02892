//! Until when the peer of a socket must have done what is expected of it: one timer serves them all.

use tokio::time::Instant;

use super::Limits;

#[derive(Debug)]
pub struct Deadlines {
    limits: Limits,
    introduction: Option<Instant>,
    token: Option<Instant>,
    /// For taking the next part of what it is sent; none while nothing waits.
    send: Option<Instant>,
    ping: Instant,
    heard: bool,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// It did not introduce itself in time.
    NotIntroduced,
    /// It does not take what it is sent.
    Slow,
    TokenExpired,
    /// Time to ask for a sign of life.
    Ping,
    /// It was asked for a sign of life and gave none.
    Silent,
}

impl Deadlines {
    pub fn new(limits: Limits, now: Instant) -> Self {
        Self {
            limits,
            introduction: Some(now + limits.introduction),
            token: None,
            send: None,
            ping: now + limits.ping,
            heard: true,
        }
    }

    pub fn earliest(&self) -> Instant {
        [self.introduction, self.token, self.send].into_iter().flatten().fold(self.ping, Instant::min)
    }

    pub fn heard(&mut self) {
        self.heard = true;
    }

    pub fn introduced(&mut self, token_ends: Option<Instant>) {
        self.introduction = None;
        self.token = token_ends;
    }

    /// Everything was sent.
    pub fn sent(&mut self) {
        self.send = None;
    }

    /// Something waits to be sent; `progressed` when the peer took a part of it just now.
    pub fn sending(&mut self, progressed: bool) {
        if progressed || self.send.is_none() {
            self.send = Some(Instant::now() + self.limits.send);
        }
    }

    /// What is due now, if anything, and sets when it is due next.
    pub fn due(&mut self, now: Instant) -> Option<Due> {
        let over = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        if over(self.introduction) {
            return Some(Due::NotIntroduced);
        }
        if over(self.send) {
            return Some(Due::Slow);
        }
        if over(self.token) {
            self.token = None;
            return Some(Due::TokenExpired);
        }
        if !over(Some(self.ping)) {
            return None;
        }
        self.ping = now + self.limits.ping;
        // Nothing is heard while something waits to be sent, so silence means nothing then.
        if self.send.is_some() {
            return None;
        }
        Some(if std::mem::take(&mut self.heard) { Due::Ping } else { Due::Silent })
    }
}
