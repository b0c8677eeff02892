//! Who may do what, everywhere at once: the matrix of every root field and every kind of viewer, the test that it is
//! complete, and the walk of somebody who may see nothing.

mod coverage;
mod governance;
mod held;
mod keys;
mod matrix;
mod rows;
mod scene;
mod stranger;
