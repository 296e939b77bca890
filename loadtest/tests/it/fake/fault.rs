//! What can be wrong with the fake server.

/// One fault; it happens once, unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// One socket does not get an event.
    LoseDelivery,
    /// One socket gets an event twice.
    DoubleDelivery,
    /// One socket gets two events in the wrong order.
    SwapDeliveries,
    /// Everybody gets a message that nobody sent and that is in no log.
    Phantom,
    /// A message is acknowledged and not stored.
    LoseMessage,
    /// A message is stored twice.
    DoubleMessage,
    /// An acknowledgement names the next place.
    AckElsewhere,
    /// A message is stored with another text.
    OtherText,
    /// A message is stored without its text.
    NoText,
    /// History leaves an event out.
    GapInHistory,
    /// Somebody gets an event of a room that he is not in.
    Leak,
    /// A message is stored and never answered.
    NoAnswer,
    /// A message is refused with `internal`.
    Refuse,
    /// A socket is closed as too slow.
    Close,
    /// All recalled messages have their text in history.
    ShowRecalledInHistory,
    /// All recalled messages have their text in replays.
    ShowRecalledInReplay,
    /// A recall is acknowledged and not done.
    ForgetRecall,
    /// Edits tell the room and do not change the message.
    ForgetEdit,
    /// Replays leave their first event out.
    LoseReplay,
    /// Search finds all recalled messages.
    FindRecalled,
}

/// The fault, and when it happens.
#[derive(Debug)]
pub(super) struct Chance {
    fault: Fault,
    /// Chances that pass before it happens.
    passes: u32,
    pub(super) has_struck: bool,
}

impl Chance {
    pub(super) fn new(fault: Fault) -> Chance {
        Chance { fault, passes: 5, has_struck: false }
    }

    /// Whether it happens here and now.
    pub(super) fn strikes(&mut self, fault: Fault) -> bool {
        if self.fault != fault || self.has_struck {
            return false;
        }
        self.has_struck = self.passes == 0;
        self.passes = self.passes.saturating_sub(1);
        self.has_struck
    }

    /// Whether it happens here, and always.
    pub(super) fn always(&mut self, fault: Fault) -> bool {
        self.has_struck |= self.fault == fault;
        self.fault == fault
    }
}
