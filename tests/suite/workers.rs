//! Workers on a real server, storage and mail catcher.

mod consume;
mod dead_letters;
mod fixture;
mod importing;
mod importing_again;
mod importing_cancelled;
mod importing_order;
mod issuing;
mod mailing;
mod withdrawing;
mod withdrawing_killed;
