//! Debian's service provider of Shibboleth: a web server with its module, and its daemon, which
//! remembers every response that it took.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;
use tempfile::TempDir;

use super::pysaml2::{self, provider};
use super::{IDP, Keys, SP, each_has_its_story, probe_story, row, sign_on, with};
use crate::installed;
use crate::port;
use crate::running::Running;

/// A service provider that knows one identity provider.
struct Shibboleth {
    origin: String,
    _httpd: Running,
    _daemon: Running,
    _folder: TempDir,
}

impl Shibboleth {
    fn start(keys: &Keys) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path();
        // The server gives up its rights before it reads its files.
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("permissions");
        let (daemon_port, port) = (port::free(), port::free());
        let here = path.display().to_string();
        let write = |name: &str, text: &str| {
            std::fs::write(path.join(name), text.replace("@FOLDER@", &here)).expect("a file");
        };
        let certificate: String =
            keys.idp.certificate.lines().filter(|line| !line.starts_with('-')).collect();
        write("idp.xml", &METADATA.replace("@IDP@", IDP).replace("@CERTIFICATE@", &certificate));
        write("key.pem", &keys.sp.key);
        write("certificate.pem", &keys.sp.certificate);
        let settings = SETTINGS.replace("@IDP@", IDP).replace("@SP@", SP);
        write("shibboleth2.xml", &settings.replace("@PORT@", &daemon_port.to_string()));
        write("httpd.conf", &HTTPD.replace("@PORT@", &port.to_string()));

        let mut command = installed::debian("shibd");
        command.args(["-F", "-f", "-c"]).arg(path.join("shibboleth2.xml"));
        command.arg("-p").arg(path.join("shibd.pid"));
        let daemon = Running::start("shibd", &mut command);
        port::wait_until_it_listens(daemon_port);
        let mut command = installed::debian("apache2");
        // One process, so that nothing outlives it.
        command.arg("-X").arg("-f").arg(path.join("httpd.conf"));
        let httpd = Running::start("apache2", &mut command);
        port::wait_until_it_listens(port);
        let origin = format!("http://127.0.0.1:{port}");
        Self { origin, _httpd: httpd, _daemon: daemon, _folder: folder }
    }
}

const METADATA: &str = r#"<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="@IDP@">
  <IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <KeyDescriptor><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>@CERTIFICATE@</X509Certificate></X509Data></KeyInfo></KeyDescriptor>
    <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="http://127.0.0.1/sso"/>
  </IDPSSODescriptor>
</EntityDescriptor>"#;

/// What is not absolute lies in `/etc/shibboleth`.
const SETTINGS: &str = r#"<SPConfig xmlns="urn:mace:shibboleth:3.0:native:sp:config" clockSkew="180">
  <OutOfProcess logger="console.logger"/>
  <InProcess logger="console.logger"/>
  <TCPListener address="127.0.0.1" port="@PORT@" acl="127.0.0.1"/>
  <StorageService type="Memory" id="memory"/>
  <SessionCache type="StorageService" StorageService="memory" cacheAssertions="false"/>
  <ReplayCache StorageService="memory"/>
  <RequestMapper type="Native"><RequestMap applicationId="default"/></RequestMapper>
  <ApplicationDefaults entityID="@SP@">
    <Sessions lifetime="28800" timeout="3600" checkAddress="false" handlerSSL="false" cookieProps="http" relayState="cookie">
      <SSO entityID="@IDP@">SAML2</SSO>
      <Handler type="MetadataGenerator" Location="/Metadata" signing="true"/>
    </Sessions>
    <Errors supportContact="root@localhost"/>
    <MetadataProvider type="XML" validate="false" path="@FOLDER@/idp.xml"/>
    <AttributeExtractor type="XML" validate="false" reloadChanges="false" path="attribute-map.xml"/>
    <CredentialResolver type="File" use="signing" key="@FOLDER@/key.pem" certificate="@FOLDER@/certificate.pem"/>
    <CredentialResolver type="File" use="encryption" key="@FOLDER@/key.pem" certificate="@FOLDER@/certificate.pem"/>
  </ApplicationDefaults>
  <SecurityPolicyProvider type="XML" validate="true" path="security-policy.xml"/>
  <ProtocolProvider type="XML" validate="true" reloadChanges="false" path="protocols.xml"/>
</SPConfig>"#;

const HTTPD: &str = r"ServerRoot @FOLDER@
ServerName 127.0.0.1:@PORT@
Listen 127.0.0.1:@PORT@
PidFile @FOLDER@/httpd.pid
Mutex file:@FOLDER@
User www-data
Group www-data
ErrorLog /dev/stderr
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule authn_core_module /usr/lib/apache2/modules/mod_authn_core.so
LoadModule mod_shib /usr/lib/apache2/modules/mod_shib.so
ShibConfig @FOLDER@/shibboleth2.xml
<Location /Shibboleth.sso>
  SetHandler shib
</Location>
";

#[test]
fn a_session_begins_once() {
    let keys = Keys::new();
    let sp = Shibboleth::start(&keys);
    let acs = format!("{}/Shibboleth.sso/SAML2/POST", sp.origin);
    let idp = provider(&keys.idp, &keys.sp, &acs, &json!({}));
    let metadata = pysaml2::metadata(&idp);
    let home = json!({"sso": {"relay_state": format!("{}/home", sp.origin)}});
    let whole = with(&sign_on("ada", &acs), &home);
    let described = |allow_sha1: bool| {
        let file = keys.sp.certificate_file();
        let signature = json!({"certificate_file": file, "allow_sha1": allow_sha1});
        json!({"role": "sp", "entity_id": SP, "signature": signature})
    };
    let before = "metadata ok, certificates ok, sso ok, login ok, consent unneeded, assertion ok";
    let rows = [
        // It refuses with status 500.
        row("whole", &metadata, whole.clone(), &format!("{before}, acs ok, refuse ok")),
        // It signs that with SHA-1, unless told otherwise.
        row(
            "its metadata",
            &format!("{}/Shibboleth.sso/Metadata", sp.origin),
            described(false),
            "metadata algorithm_refused, certificates -",
        ),
        row(
            "its metadata, with SHA-1 allowed",
            &format!("{}/Shibboleth.sso/Metadata", sp.origin),
            described(true),
            "metadata ok [sha1_signature], certificates ok",
        ),
        // It redirects to the relay state.
        row(
            "relay state that is no URL",
            &metadata,
            with(&whole, &json!({"sso": {"relay_state": null}})),
            &format!("{before}, acs http_5xx, refuse -"),
        ),
    ];
    let exporter = each_has_its_story(&rows);
    drop(sp);
    let expected = format!("{before}, acs connection_refused, refuse -");
    assert_eq!(probe_story(&exporter, &rows[0]), expected);
}
