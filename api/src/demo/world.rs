//! The demo as rows: who there is and what they wrote, before anything of it is stored.

use entity::content::{document, document_content, document_tag, tag};
use entity::identity::{user, user_settings};
use entity::tenancy::{
    member, organization, project, project_member, space, space_member, subscription, team, team_member,
};

/// Every row, in the order in which the tables are filled.
#[derive(Debug, Default)]
pub struct World {
    pub users: Vec<user::Model>,
    pub settings: Vec<user_settings::Model>,
    pub organizations: Vec<organization::Model>,
    pub subscriptions: Vec<subscription::Model>,
    pub members: Vec<member::Model>,
    pub teams: Vec<team::Model>,
    pub team_members: Vec<team_member::Model>,
    pub projects: Vec<project::Model>,
    pub project_members: Vec<project_member::Model>,
    pub spaces: Vec<space::Model>,
    pub space_members: Vec<space_member::Model>,
    pub tags: Vec<tag::Model>,
    pub documents: Vec<document::Model>,
    pub contents: Vec<document_content::Model>,
    pub document_tags: Vec<document_tag::Model>,
}

impl World {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.users.len()
            + self.settings.len()
            + self.organizations.len()
            + self.subscriptions.len()
            + self.members.len()
            + self.teams.len()
            + self.team_members.len()
            + self.projects.len()
            + self.project_members.len()
            + self.spaces.len()
            + self.space_members.len()
            + self.tags.len()
            + self.documents.len()
            + self.contents.len()
            + self.document_tags.len()
    }
}
