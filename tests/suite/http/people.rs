//! Users for tests. They are created over the API, as administrators do.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Answered, Api};

/// Password that satisfies the rules.
pub const PASSWORD: &str = "Correct-horse-1";
/// First password, which an administrator sets.
pub const FIRST_PASSWORD: &str = "Early-bird-00";

/// User who is logged in.
pub struct Person {
    pub id: String,
    pub user_name: String,
    pub token: String,
    pub refresh_token: String,
}

impl Person {
    fn of(id: String, user_name: &str, tokens: &Value) -> Self {
        let token = text(&tokens["access_token"]);
        let refresh_token = text(&tokens["refresh_token"]);
        Self {
            id,
            user_name: user_name.to_owned(),
            token,
            refresh_token,
        }
    }
}

impl Api {
    /// Adds a user. The user changes the first password and logs in.
    pub async fn person(&self, user_name: &str, role: &str) -> Person {
        let added = self
            .post("/users", &somebody(user_name, role))
            .await
            .expect(201);
        let id = text(&added.body["data"]["id"]);
        let tokens = self.own_password(user_name, FIRST_PASSWORD).await;
        Person::of(id, user_name, &tokens)
    }

    /// Changes the first password to [`PASSWORD`], and returns the new tokens.
    pub async fn own_password(&self, user_name: &str, first: &str) -> Value {
        let tokens = self.try_log_in(user_name, first).await.expect(200);
        assert_eq!(tokens.body["data"]["passwordChangeRequired"], true);
        let token = text(&tokens.body["data"]["access_token"]);
        let change = json!({ "oldPassword": first, "newPassword": PASSWORD });
        let changed = self
            .as_(&token, Method::POST, "/auth/change-password", Some(&change))
            .await;
        changed.expect(200).body["data"].clone()
    }

    pub async fn log_in(&self, id: String, user_name: &str) -> Person {
        let tokens = self.try_log_in(user_name, PASSWORD).await.expect(200);
        Person::of(id, user_name, &tokens.body["data"])
    }

    pub async fn try_log_in(&self, user_name: &str, password: &str) -> Answered {
        let body = json!({ "userName": user_name, "password": password });
        self.open_post("/auth/login", &body).await
    }

    /// Sends a POST request without a token.
    pub async fn open_post(&self, path: &str, body: &Value) -> Answered {
        let request = self
            .app
            .client
            .post(self.app.url(&format!("/api/v1{path}")))
            .json(body);
        Answered::of(request.send().await.expect("answered")).await
    }

    /// Sends a request with `token` instead of the administrator's token.
    pub async fn as_(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Answered {
        let request = self
            .app
            .client
            .request(method, self.app.url(&format!("/api/v1{path}")))
            .bearer_auth(token);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        self.write(request).await
    }

    /// Returns the status of a request that is allowed for every signed-in user.
    pub async fn me(&self, token: &str) -> StatusCode {
        self.as_(token, Method::GET, "/auth/me", None).await.status
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answered {
        self.write(self.request(Method::PATCH, path).json(body))
            .await
    }

    pub async fn delete(&self, path: &str) -> Answered {
        self.write(self.request(Method::DELETE, path)).await
    }
}

/// Returns the body of a request that adds a user.
pub fn somebody(user_name: &str, role: &str) -> Value {
    json!({
        "userName": user_name, "name": "Grace", "lastName": "Hopper", "role": role,
        "email": format!("{}@example.com", user_name.to_lowercase()), "password": FIRST_PASSWORD,
    })
}

pub fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no text: {value}"))
        .to_owned()
}
