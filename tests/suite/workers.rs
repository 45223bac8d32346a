//! Workers on a real server, storage and mail catcher.
