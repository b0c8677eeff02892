//! Whose things are: organizations, their members, projects and spaces, and what each role may do with them.

mod billing;
mod context;
mod deletion;
mod invitations;
mod joining;
mod members;
mod organizations;
mod plans;
mod projects;
mod quotas;
mod received_invitations;
mod roles;
mod single_sign_on;
mod space_members;
mod spaces;
mod teams;
