//! The bug museum: faults that others have had, and that tests here put in on purpose.
//!
//! A line of production code asks [`flawed`] for each; outside of this crate's own tests there is
//! nothing to ask for, and the answer is a constant.

/// Whether this flaw is to be shown.
#[cfg(test)]
macro_rules! flawed {
    ($flaw:ident) => {
        crate::museum::has(crate::museum::Flaw::$flaw)
    };
}

/// Outside of tests there are no flaws.
#[cfg(not(test))]
macro_rules! flawed {
    ($flaw:ident) => {
        crate::museum::never()
    };
}

/// No.
#[cfg(not(test))]
#[inline]
pub(crate) const fn never() -> bool {
    false
}

#[cfg(test)]
pub(crate) use shown::{Flaw, has, show};

#[cfg(test)]
mod shown {
    use std::cell::Cell;

    /// The exhibits: the bug museum of the reference, 1.4.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) enum Flaw {
        RefundKeepsPoints,
        RefundTwice,
        SameKeyTwice,
        NaturalKeyIgnored,
        SettledTwice,
        GiftsUnchecked,
        HoldNotCounted,
        LostUpdate,
        BalanceBesideHistory,
        LotsNeverExpire,
        ExpiryByJobOnly,
        ZoneShifted,
        CancelMixesLots,
        VoidTwice,
        TimeoutLosesPoints,
        Rounding,
        TierOffByOne,
        FreshIdPerRetry,
        PlaceNotCounted,
        DaysOfTheServer,
        SecondAccount,
        SignupIsEnough,
        NoEscrow,
        OldestChangeWins,
        TrialAgain,
        SilentRefund,
        LinkResetsLimit,
    }

    impl Flaw {
        /// Those of the ledger and of places, which the simulation has to catch, with their numbers in the museum
        /// and what happened.
        pub(crate) const SIMULATED: [(Self, &str, &str); 19] = [
            (Self::RefundKeepsPoints, "B1", "a refund keeps the points"),
            (Self::RefundTwice, "B2", "a refund deducts twice"),
            (Self::SameKeyTwice, "B3", "the same key twice, two entries"),
            (Self::NaturalKeyIgnored, "B4", "a replayed business event pays again"),
            (Self::SettledTwice, "B5", "a settlement is settled twice"),
            (Self::GiftsUnchecked, "B6", "gifts of more than there is"),
            (Self::HoldNotCounted, "B7", "holds do not count when placed"),
            (Self::LostUpdate, "B8", "a credit on a shared destination is lost"),
            (Self::PlaceNotCounted, "B9", "the last place is given out twice"),
            (Self::BalanceBesideHistory, "B10", "the balance is not what history says"),
            (Self::LotsNeverExpire, "B11", "lots under an unexpected label never expire"),
            (Self::ExpiryByJobOnly, "B12", "expiry counts only after the job"),
            (Self::ZoneShifted, "B12", "the date is shifted by the time zone"),
            (Self::CancelMixesLots, "B13", "redeem, earn, cancel: points in the wrong lots"),
            (Self::VoidTwice, "B14", "a void gives back twice"),
            (Self::TimeoutLosesPoints, "B14", "a timeout loses the points"),
            (Self::Rounding, "B15", "rounded up instead of down"),
            (Self::TierOffByOne, "B16", "a tier is missed at its threshold"),
            (Self::FreshIdPerRetry, "B23", "a fresh id for each retry"),
        ];

        /// Those of other areas, each of which a scene of its own has to catch.
        pub(crate) const STAGED: [(Self, &str, &str); 8] = [
            (Self::DaysOfTheServer, "B17", "a streak is lost at midnight somewhere else"),
            (Self::SecondAccount, "B18", "somebody brings their own second account"),
            (Self::SignupIsEnough, "B18", "signing up alone completes a referral"),
            (Self::NoEscrow, "B19", "what a friend earned is kept after the refund"),
            (Self::OldestChangeWins, "B20", "of two changes in one period the newer is dropped"),
            (Self::TrialAgain, "B21", "a trial after each cancellation"),
            (Self::SilentRefund, "B22", "a refund that pays nothing out"),
            (Self::LinkResetsLimit, "B24", "another link resets the limit of an address"),
        ];
    }

    thread_local! {
        static SHOWN: Cell<Option<Flaw>> = const { Cell::new(None) };
    }

    /// Whether this flaw is on show on this thread.
    pub(crate) fn has(flaw: Flaw) -> bool {
        SHOWN.get() == Some(flaw)
    }

    /// Shows a flaw on this thread, or none.
    pub(crate) fn show(flaw: Option<Flaw>) {
        SHOWN.set(flaw);
    }
}
