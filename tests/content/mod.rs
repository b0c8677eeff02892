//! What people write: documents, the tree they stand in, their states, their tags, and who may read them.

mod announced;
mod documents;
mod filters;
mod hidden;
mod importing;
mod indexes;
mod limits;
mod live;
mod sharing;
mod states;
mod storm;
mod tags;
mod tree;
