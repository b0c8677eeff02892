//! Fills the world with people, organizations, teams, projects and spaces.

use chrono::{DateTime, Duration, Utc};
use entity::enums::{
    BillingCycle, MemberRole, MemberStatus, OrganizationStatus, Plan, ProjectRole, ProjectStatus, SpacePrivacy,
    SpaceRole, SubscriptionStatus, Theme, UserRole, UserStatus, UserTier,
};
use entity::identity::{user, user_settings};
use entity::ids::{
    MemberId, OrganizationId, ProjectId, ProjectMemberId, SpaceId, SpaceMemberId, SubscriptionId, TeamId, TeamMemberId,
    UserId,
};
use entity::tenancy::{
    member, organization, project, project_member, space, space_member, subscription, team, team_member,
};
use sea_orm::ActiveEnum;
use serde_json::json;

use super::calendar::{self, id_at};
use super::cast::Person;
use super::plan::SpacePlan;
use super::random::Random;
use super::world::World;

/// An organization of the demo.
pub struct Organization {
    pub slug: &'static str,
    pub name: &'static str,
    pub description: &'static str,
    pub plan: Plan,
}

/// The three of them.
pub const ORGANIZATIONS: [Organization; 3] = [
    Organization {
        slug: "acme",
        name: "Acme Instruments",
        description: "Makes weather stations, river gauges and soil probes that stand outside for ten years.",
        plan: Plan::Pro,
    },
    Organization {
        slug: "northpass",
        name: "Northpass Field Services",
        description: "Two vans and a half. Puts up stations where nobody else likes to drive.",
        plan: Plan::Team,
    },
    Organization {
        slug: "tidewater",
        name: "Tidewater Hydrology Group",
        description: "Measures rivers, soils and snow at the University of Carrow.",
        plan: Plan::Free,
    },
];

/// Organization, slug, name, description, and the team that has it.
const PROJECTS: [(&str, &str, &str, &str, &str); 5] = [
    (
        "acme",
        "almanac-cloud",
        "Almanac cloud",
        "Ingest, rules, charts and the pages that people open at breakfast.",
        "Cloud",
    ),
    (
        "acme",
        "field-fleet",
        "Field fleet",
        "Three thousand stations, their firmware and the vans that visit them.",
        "Firmware",
    ),
    ("acme", "larkspur-2", "Larkspur 2", "The next weather station.", "Larkspur 2"),
    ("northpass", "vans", "Vans", "Stock, routes and records of both vans.", "Crews"),
    ("tidewater", "valley-study", "Valley study", "Snow, rain and the river below, five winters.", "Rivers"),
];

/// Adds rows about people and places to a world.
pub struct Society<'a> {
    pub world: &'a mut World,
    pub random: Random,
    pub password_hash: &'a str,
}

impl Society<'_> {
    /// A moment before the first document was made, so many days at least and at most.
    fn before(&mut self, least: i64, most: i64) -> DateTime<Utc> {
        let days = self.random.between(least, most);
        calendar::at_work(calendar::beginning() - Duration::days(days), &mut self.random)
    }

    /// An account with its settings and its personal space.
    pub fn user(&mut self, email: &str, name: &str, created_at: DateTime<Utc>) -> UserId {
        let id = UserId(id_at(created_at, &mut self.random));
        let (first, last) = name.split_once(' ').unwrap_or((name, ""));
        let seen = calendar::end() - Duration::minutes(self.random.between(3, 60 * 24 * 12));
        self.world.users.push(user::Model {
            id,
            email: email.to_owned(),
            email_verified: true,
            email_verified_at: Some(created_at),
            password_hash: Some(self.password_hash.to_owned().into()),
            name: name.to_owned(),
            first_name: Some(first.to_owned()),
            last_name: Some(last.to_owned()),
            company: None,
            avatar_url: None,
            bio: None,
            role: UserRole::User,
            tier: UserTier::Pro,
            subscription_expires_at: None,
            timezone: "UTC".to_owned(),
            locale: "en-US".to_owned(),
            status: UserStatus::Active,
            mfa_enabled: false,
            last_login_at: Some(seen),
            last_login_ip: None,
            metadata: json!({}),
            version: 1,
            created_at,
            updated_at: created_at,
            deleted_at: None,
        });
        let themes = [Theme::Light, Theme::Light, Theme::Dark, Theme::Auto];
        self.world.settings.push(user_settings::Model {
            user_id: id,
            theme: themes[self.random.below(themes.len())],
            language: "en".to_owned(),
            editor_settings: user_settings::EditorSettings::default(),
            render_settings: user_settings::RenderSettings::default(),
            notification_settings: user_settings::NotificationSettings::default(),
            version: 1,
            created_at,
            updated_at: created_at,
        });
        self.world.spaces.push(space::Model {
            id: SpaceId(id_at(created_at, &mut self.random)),
            user_id: Some(id),
            organization_id: None,
            project_id: None,
            name: "Personal".to_owned(),
            slug: "personal".to_owned(),
            description: None,
            icon: None,
            color: None,
            privacy: SpacePrivacy::Private,
            default_role: SpaceRole::Reader,
            is_personal: true,
            is_listed: false,
            settings: space::SpaceSettings::default(),
            created_by: Some(id),
            version: 1,
            archived_at: None,
            created_at,
            updated_at: created_at,
            deleted_at: None,
        });
        id
    }

    /// The account of somebody of the cast.
    pub fn person(&mut self, person: &Person) -> UserId {
        let created_at = self.before(20, 900);
        let id = self.user(&person.email, person.name, created_at);
        let (locale, timezone, bio) = (person.locale.to_owned(), person.timezone.to_owned(), person.bio.to_owned());
        let home = person.memberships.first().map_or("", |membership| membership.organization);
        let company = ORGANIZATIONS.iter().find(|organization| organization.slug == home);
        let language = locale.split('-').next().unwrap_or("en").to_owned();
        if let Some(user) = self.world.users.last_mut() {
            user.first_name = Some(person.first.to_owned());
            user.last_name = Some(person.last.to_owned());
            user.company = company.map(|organization| organization.name.to_owned());
            user.bio = Some(bio);
            user.locale = locale;
            user.timezone = timezone;
        }
        if let Some(settings) = self.world.settings.last_mut() {
            settings.language = language;
        }
        id
    }

    pub fn organization(
        &mut self,
        slug: &str,
        name: &str,
        description: &str,
        plan: Plan,
        founder: UserId,
    ) -> OrganizationId {
        let created_at = self.before(400, 1_500);
        let id = OrganizationId(id_at(created_at, &mut self.random));
        self.world.organizations.push(organization::Model {
            id,
            name: name.to_owned(),
            slug: slug.to_owned(),
            description: Some(description.to_owned()),
            logo_url: None,
            billing_email: Some(format!("accounts@{slug}.example")),
            support_email: Some(format!("help@{slug}.example")),
            settings: organization::OrganizationSettings::default(),
            stripe_customer_id: None,
            sso_enabled: false,
            sso_provider: None,
            sso_auto_join: false,
            sso_config: None,
            allowed_email_domains: vec![format!("{slug}.example")],
            plan,
            status: OrganizationStatus::Active,
            owner_id: Some(founder),
            version: 1,
            created_at,
            updated_at: created_at,
            deleted_at: None,
        });
        let renewed = calendar::end() - Duration::days(11);
        self.world.subscriptions.push(subscription::Model {
            id: SubscriptionId(id_at(created_at, &mut self.random)),
            organization_id: Some(id),
            user_id: None,
            plan,
            stripe_subscription_id: None,
            stripe_price_id: None,
            billing_cycle: BillingCycle::Yearly,
            status: SubscriptionStatus::Active,
            current_period_start: Some(renewed),
            current_period_end: Some(renewed + Duration::days(365)),
            trial_end: None,
            canceled_at: None,
            past_due_since: None,
            limits: Some(subscription::SubscriptionLimits::default()),
            last_billing_event_at: None,
            version: 1,
            created_at,
            updated_at: renewed,
        });
        id
    }

    pub fn member(&mut self, organization_id: OrganizationId, user_id: UserId, role: MemberRole, status: MemberStatus) {
        let joined = self.before(5, 380);
        let is_invited = status == MemberStatus::Invited;
        let created_at = if is_invited { calendar::end() - Duration::days(6) } else { joined };
        self.world.members.push(member::Model {
            id: MemberId(id_at(created_at, &mut self.random)),
            organization_id,
            user_id,
            role,
            permissions: json!({}),
            status,
            invited_by: None,
            invited_at: is_invited.then_some(created_at),
            accepted_at: None,
            joined_at: (!is_invited).then_some(joined),
            version: 1,
            created_at,
            updated_at: created_at,
        });
    }

    pub fn team(&mut self, organization_id: OrganizationId, name: &str, members: &[UserId]) -> TeamId {
        let created_at = self.before(300, 300);
        let id = TeamId(id_at(created_at, &mut self.random));
        self.world.teams.push(team::Model {
            id,
            organization_id,
            name: name.to_owned(),
            description: None,
            version: 1,
            created_at,
            updated_at: created_at,
        });
        for user_id in members {
            self.world.team_members.push(team_member::Model {
                id: TeamMemberId(id_at(created_at, &mut self.random)),
                team_id: id,
                organization_id,
                user_id: *user_id,
                added_by: None,
                created_at,
            });
        }
        id
    }

    /// The projects of an organization, each with the team that has it.
    pub fn projects(
        &mut self,
        organization: (&str, OrganizationId),
        team: impl Fn(&str) -> Option<TeamId>,
        lead: UserId,
    ) {
        for (_, slug, name, description, team_name) in PROJECTS.iter().filter(|project| project.0 == organization.0) {
            let created_at = self.before(10, 200);
            let id = ProjectId(id_at(created_at, &mut self.random));
            self.world.projects.push(project::Model {
                id,
                organization_id: organization.1,
                name: (*name).to_owned(),
                slug: (*slug).to_owned(),
                description: Some((*description).to_owned()),
                settings: project::ProjectSettings::default(),
                quotas: project::ProjectQuotas::default(),
                status: ProjectStatus::Active,
                created_by: Some(lead),
                version: 1,
                created_at,
                updated_at: created_at,
                deleted_at: None,
            });
            let mut grant = |user_id, team_id, role| {
                self.world.project_members.push(project_member::Model {
                    id: ProjectMemberId(id_at(created_at, &mut self.random)),
                    project_id: id,
                    organization_id: organization.1,
                    user_id,
                    team_id,
                    role,
                    added_by: Some(lead),
                    version: 1,
                    created_at,
                    updated_at: created_at,
                });
            };
            grant(Some(lead), None, ProjectRole::Admin);
            if let Some(team) = team(team_name) {
                grant(None, Some(team), ProjectRole::Developer);
            }
        }
    }

    /// A space of an organization with the people and teams that were added to it.
    pub fn space(
        &mut self,
        plan: &SpacePlan,
        organization_id: OrganizationId,
        creator: UserId,
        grants: &[(Option<UserId>, Option<TeamId>, SpaceRole)],
    ) -> SpaceId {
        let created_at = self.before(1, 90);
        let id = SpaceId(id_at(created_at, &mut self.random));
        let projects = self.world.projects.iter().filter(|project| project.organization_id == organization_id);
        let project = projects.into_iter().find(|project| plan.project == Some(project.slug.as_str()));
        let archived_at = plan.archived.then(|| calendar::end() - Duration::days(1));
        let space = space::Model {
            id,
            user_id: None,
            organization_id: Some(organization_id),
            project_id: project.map(|project| project.id),
            name: plan.name.to_owned(),
            slug: plan.slug.to_owned(),
            description: Some(plan.about.to_owned()),
            icon: Some(plan.icon.to_owned()),
            color: Some(plan.color.to_owned()),
            privacy: if plan.open { SpacePrivacy::Open } else { SpacePrivacy::Private },
            default_role: SpaceRole::try_from_value(&plan.default_role.to_owned()).unwrap_or(SpaceRole::Reader),
            is_personal: false,
            is_listed: false,
            settings: space::SpaceSettings::default(),
            created_by: Some(creator),
            version: 1,
            archived_at,
            created_at,
            updated_at: archived_at.unwrap_or(created_at),
            deleted_at: None,
        };
        self.world.spaces.push(space);
        for (user_id, team_id, role) in grants {
            self.world.space_members.push(space_member::Model {
                id: SpaceMemberId(id_at(created_at, &mut self.random)),
                space_id: id,
                organization_id: Some(organization_id),
                user_id: *user_id,
                team_id: *team_id,
                role: *role,
                added_by: Some(creator),
                version: 1,
                created_at,
                updated_at: created_at,
            });
        }
        id
    }
}
