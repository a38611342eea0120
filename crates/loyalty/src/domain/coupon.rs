//! Coupons: personal, good once, until a date.
//!
//! Invariant: a coupon is used for at most one order, and never takes off more than the order. A
//! coupon keeps the terms with which it was issued, whatever the rules become. All arithmetic is on
//! integers; a part of an order is rounded down, once (reference, S7).

mod cycle;
mod terms;

pub use cycle::{CycleRule, usual_gap};
pub use terms::{CouponKind, Off, Order, Price, Terms};

use super::{GrantId, Time};
use perennial_platform::id::{Id, Kind};
use uuid::Uuid;

/// Names a coupon: `cpn_...`. A coupon has the UUID of the grant that gave it.
pub type CouponId = Id<Coupon>;

/// Where a coupon stands. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "explained in coupons.proto, whose numbers these are")]
#[repr(i16)]
pub enum CouponState {
    Open = 1,
    Reserved = 2,
    Used = 3,
    Expired = 4,
    Revoked = 5,
}

/// A coupon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coupon {
    /// Its name.
    pub id: CouponId,
    /// Whose it is.
    pub user: String,
    /// What the member shows.
    pub code: String,
    /// The key of its kind.
    pub kind: String,
    /// The version of the rules it was issued under.
    pub rule_version: String,
    /// As in those rules.
    pub terms: Terms,
    /// As it is written down; [`Coupon::state_at`] says what holds.
    pub state: CouponState,
    /// When it was issued.
    pub issued_at: Time,
    /// From when on it can no longer be used; `None`: the calendar ends first.
    pub expires_at: Option<Time>,
    /// The order it is reserved or used for.
    pub order: String,
    /// What it takes off that order.
    pub discount: Option<Price>,
    /// Until when it is reserved.
    pub reserved_until: Option<Time>,
    /// When it was used.
    pub used_at: Option<Time>,
}

/// Why a coupon is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum CouponRefusal {
    #[error("the coupon belongs to somebody else")]
    NotYours,
    #[error("the coupon was used")]
    Used,
    #[error("the coupon's date has passed")]
    Expired,
    #[error("the coupon was taken back")]
    Revoked,
    #[error("the coupon is reserved for another order")]
    Reserved,
    #[error("the coupon was not used for this order")]
    NotUsed,
    #[error("the order costs less than {0} minor units")]
    BelowMinimum(i64),
    #[error("the coupon is for orders in {0}")]
    WrongCurrency(String),
    #[error("the coupon is for other things")]
    NotApplicable,
}

impl Kind for Coupon {
    const PREFIX: &'static str = "cpn";
}

impl CouponState {
    /// As it is stored.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// From storage; `None` for a number that was never given out.
    pub fn from_number(number: i16) -> Option<Self> {
        [Self::Open, Self::Reserved, Self::Used, Self::Expired, Self::Revoked]
            .into_iter()
            .find(|state| state.number() == number)
    }
}

impl Coupon {
    /// The coupon that a grant gives.
    pub fn id_for(grant: GrantId) -> CouponId {
        CouponId::from(grant.uuid())
    }

    /// Where it stands: what fell due counts, whether or not it was written down. While it is
    /// reserved it waits for its order.
    pub fn state_at(&self, now: Time) -> CouponState {
        let held = self.reserved_until.is_some_and(|until| now < until);
        match self.state {
            CouponState::Reserved if held => CouponState::Reserved,
            CouponState::Open | CouponState::Reserved => {
                let over = self.expires_at.is_some_and(|end| end <= now);
                if over { CouponState::Expired } else { CouponState::Open }
            }
            state => state,
        }
    }

    /// The coupon without a reservation that has ended.
    #[must_use]
    pub fn settled(mut self, now: Time) -> Self {
        if self.state == CouponState::Reserved && self.state_at(now) != CouponState::Reserved {
            self.let_go();
        }
        self.state = self.state_at(now);
        self
    }

    /// What it would take off an order now.
    pub fn quote(&self, now: Time, user: &str, order: &Order) -> Result<Price, CouponRefusal> {
        self.must_be_usable(now, user, &order.id)?;
        self.terms.discount(order)
    }

    /// Keeps it for an order.
    pub fn reserve(
        &mut self,
        now: Time,
        user: &str,
        order: &Order,
        until: Time,
    ) -> Result<(), CouponRefusal> {
        let discount = self.quote(now, user, order)?;
        self.state = CouponState::Reserved;
        self.order.clone_from(&order.id);
        self.discount = Some(discount);
        self.reserved_until = Some(until);
        Ok(())
    }

    /// Uses it for an order that it is reserved for, or used for before; `false` when it is neither.
    pub fn use_reserved(
        &mut self,
        now: Time,
        user: &str,
        order: &str,
    ) -> Result<bool, CouponRefusal> {
        self.must_belong_to(user)?;
        match self.state_at(now) {
            CouponState::Used if self.order == order => Ok(true),
            CouponState::Reserved if self.order == order => {
                self.use_up(now);
                Ok(true)
            }
            _ => self.must_be_usable(now, user, order).map(|()| false),
        }
    }

    /// Uses it for an order.
    pub fn use_for(&mut self, now: Time, user: &str, order: &Order) -> Result<(), CouponRefusal> {
        self.discount = Some(self.quote(now, user, order)?);
        self.order.clone_from(&order.id);
        self.use_up(now);
        Ok(())
    }

    /// Ends a reservation; nothing to do when there is none.
    pub fn release(&mut self, now: Time, user: &str, order: &str) -> Result<(), CouponRefusal> {
        self.must_belong_to(user)?;
        match self.state_at(now) {
            CouponState::Used => Err(CouponRefusal::Used),
            CouponState::Revoked => Err(CouponRefusal::Revoked),
            CouponState::Reserved if self.order != order => Err(CouponRefusal::Reserved),
            _ => {
                self.let_go();
                Ok(())
            }
        }
    }

    /// Takes its use back; it can be used until `grace` at least.
    pub fn give_back(
        &mut self,
        now: Time,
        user: &str,
        order: &str,
        grace: Option<Time>,
    ) -> Result<(), CouponRefusal> {
        self.must_belong_to(user)?;
        match self.state_at(now) {
            CouponState::Revoked => Err(CouponRefusal::Revoked),
            CouponState::Used if self.order == order => {
                self.expires_at = self.expires_at.and_then(|end| Some(end.max(grace?)));
                self.used_at = None;
                self.let_go();
                Ok(())
            }
            _ => Err(CouponRefusal::NotUsed),
        }
    }

    /// Ends it, unless it was used; answers whether anything changed.
    pub fn revoke(&mut self) -> bool {
        let ends = matches!(self.state, CouponState::Open | CouponState::Reserved);
        if ends {
            self.let_go();
            self.state = CouponState::Revoked;
        }
        ends
    }

    fn must_belong_to(&self, user: &str) -> Result<(), CouponRefusal> {
        if self.user == user { Ok(()) } else { Err(CouponRefusal::NotYours) }
    }

    fn must_be_usable(&self, now: Time, user: &str, order: &str) -> Result<(), CouponRefusal> {
        self.must_belong_to(user)?;
        match self.state_at(now) {
            CouponState::Open => Ok(()),
            CouponState::Reserved if self.order == order && !order.is_empty() => Ok(()),
            CouponState::Reserved => Err(CouponRefusal::Reserved),
            CouponState::Used => Err(CouponRefusal::Used),
            CouponState::Expired => Err(CouponRefusal::Expired),
            CouponState::Revoked => Err(CouponRefusal::Revoked),
        }
    }

    fn use_up(&mut self, now: Time) {
        self.state = CouponState::Used;
        self.used_at = Some(now);
        self.reserved_until = None;
    }

    fn let_go(&mut self) {
        self.state = CouponState::Open;
        self.order.clear();
        self.discount = None;
        self.reserved_until = None;
    }
}

/// What a member shows: twelve characters for the last sixty bits of a random UUID, without those
/// that look alike (Crockford's base 32).
pub fn code_of(random: Uuid) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let bits = random.as_u128();
    let digit = |place: u32| DIGITS[usize::try_from((bits >> (5 * place)) & 31).unwrap_or(0)];
    (0..12).rev().map(|place| char::from(digit(place))).collect()
}

/// A code as a member may have typed it.
pub fn read_code(typed: &str) -> String {
    let one = |c: char| match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        c => c,
    };
    typed.chars().filter(|c| *c != '-').map(one).collect()
}

#[cfg(test)]
mod tests;
