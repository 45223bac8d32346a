//! Workers on a real server, with real storage and the mail catcher.

mod consume;
mod crashes;
mod dead_letters;
mod fixture;
mod importing;
mod importing_again;
mod importing_batches;
mod importing_cancelled;
mod importing_order;
pub mod issuing;
mod issuing_again;
mod lagging;
mod mailing;
mod mails;
mod newer;
mod notices;
mod outages;
mod sending;
mod timers;
mod withdrawing;
mod withdrawing_killed;
