//! Who people are: signing up, in and out, and what a session is good for.

mod sign_up;
