//! Who may do what, everywhere at once: the matrix of every root field and every kind of viewer, the test that it is
//! complete, and the walk of somebody who may see nothing.

mod coverage;
mod followings;
mod held;
mod key_rows;
mod keys;
mod matrix;
mod policy_rows;
mod registry_rows;
mod rows;
mod scene;
mod stranger;
