//! Pages and files for everybody: verification, downloads, documentation.

pub mod pages;
pub mod verify;
