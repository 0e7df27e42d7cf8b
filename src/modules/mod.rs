//! The probers: each a block of settings, a plan, and a straight line of steps.
//!
//! No request is built here and nothing is sent; that is the steps room.

mod access;
mod apikey;
mod jwt;
mod oauth_authcode;
mod oauth_cc;
mod saml;

use crate::probe::Prober;

/// Every prober of this exporter.
pub const PROBERS: &[Prober] =
    &[oauth_cc::PROBER, oauth_authcode::PROBER, jwt::PROBER, apikey::PROBER, saml::PROBER];
