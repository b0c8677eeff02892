//! Where people work together: organizations, their members, teams, projects and spaces, and what was paid for.

pub mod invitation;
pub mod join_request;
pub mod member;
pub mod organization;
pub mod project;
pub mod project_member;
pub mod space;
pub mod space_member;
pub mod subscription;
pub mod team;
pub mod team_member;
