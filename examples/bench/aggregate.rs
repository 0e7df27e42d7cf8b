//! Metadata of a federation, signed by `xmlsec1`: what both verify.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs, thread};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use tempfile::TempDir;

use crate::Result;
use crate::process::Process;

/// As many as a federation of federations has.
const ENTITIES: usize = 11_200;
/// Elements with an attribute `ID`, which only a document type could tell.
const ID: [&str; 2] = ["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:metadata:EntitiesDescriptor"];

/// The signed document, in a file and in memory.
pub(crate) struct Aggregate {
    folder: TempDir,
    xmlsec1: PathBuf,
    /// What is served.
    pub(crate) document: Bytes,
}

impl Aggregate {
    /// Makes and signs it.
    pub(crate) fn new() -> Result<Self> {
        let path = env::var_os("PATH").unwrap_or_default();
        let found = env::split_paths(&path).map(|folder| folder.join("xmlsec1"));
        let xmlsec1 = found
            .into_iter()
            .find(|file| file.is_file())
            .ok_or("xmlsec1 is missing (Debian: xmlsec1)")?;
        let folder = TempDir::new()?;
        let key = KeyPair::generate_for(&PKCS_RSA_SHA256)?;
        let certificate = CertificateParams::new([])?.self_signed(&key)?;
        fs::write(folder.path().join("key.pem"), key.serialize_pem())?;
        fs::write(folder.path().join("certificate.pem"), certificate.pem())?;
        let template = folder.path().join("template.xml");
        fs::write(&template, unsigned(&STANDARD.encode(certificate.der()))?)?;
        let signed = Command::new(&xmlsec1)
            .args(["--sign", "--privkey-pem"])
            .arg(folder.path().join("key.pem"))
            .arg("--output")
            .arg(folder.path().join("signed.xml"))
            .args(ID)
            .arg(&template)
            .output()?;
        if !signed.status.success() {
            let complaint = String::from_utf8_lossy(&signed.stderr).into_owned();
            return Err(format!("xmlsec1: {complaint}").into());
        }
        let document: Bytes = fs::read(folder.path().join("signed.xml"))?.into();
        if !(76_500_000..77_500_000).contains(&document.len()) {
            return Err(format!("the metadata has {} bytes", document.len()).into());
        }
        eprintln!(
            "metadata of {ENTITIES} entities, {} MB …",
            (document.len() + 500_000) / 1_000_000
        );
        Ok(Self { folder, xmlsec1, document })
    }

    /// Who signed it.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    /// The entity in its middle.
    pub(crate) fn entity_id() -> String {
        entity_id(ENTITIES / 2)
    }

    /// Lets `xmlsec1` verify it: its CPU time and the most memory that it had, in bytes.
    pub(crate) fn verified_by_xmlsec1(&self) -> Result<(Duration, u64)> {
        let certificate = self.certificate();
        let document = self.folder.path().join("signed.xml");
        let mut arguments = ["--verify", "--pubkey-cert-pem"].map(OsStr::new).to_vec();
        arguments.push(certificate.as_os_str());
        arguments.extend(ID.map(OsStr::new));
        arguments.push(document.as_os_str());
        let mut process = run(&self.xmlsec1, &arguments)?;
        let mut peak = 0;
        // A process that has ended still tells its CPU time until somebody waits for it, and its
        // memory no more.
        while let Ok(memory) = process.peak_memory() {
            peak = memory;
            thread::sleep(Duration::from_millis(1));
        }
        let status = loop {
            let cpu = process.cpu()?;
            if let Some(status) = process.0.try_wait()? {
                break (status, cpu);
            }
            thread::sleep(Duration::from_millis(1));
        };
        match status {
            (status, cpu) if status.success() => Ok((cpu, peak)),
            (status, _) => Err(format!("xmlsec1 does not verify it: {status}").into()),
        }
    }
}

fn run(program: &Path, arguments: &[&OsStr]) -> Result<Process> {
    Process::start(program, arguments, &[], std::process::Stdio::null())
}

fn entity_id(number: usize) -> String {
    format!("https://idp{number}.university.example/idp/shibboleth")
}

/// With a signature that has no values yet.
fn unsigned(certificate: &str) -> Result<String> {
    let mut lines = String::new();
    for line in certificate.as_bytes().chunks(64) {
        writeln!(lines, "{}", std::str::from_utf8(line)?)?;
    }
    let dsig = "http://www.w3.org/2000/09/xmldsig#";
    let exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" xmlns:ds=\"{dsig}\" xmlns:mdui=\"urn:oasis:names:tc:SAML:metadata:ui\" xmlns:shibmd=\"urn:mace:shibboleth:metadata:1.0\" ID=\"federation\" Name=\"https://federation.example\" validUntil=\"2099-01-01T00:00:00Z\">
<ds:Signature><ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"{exclusive}\"/><ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"/><ds:Reference URI=\"#federation\"><ds:Transforms><ds:Transform Algorithm=\"{dsig}enveloped-signature\"/><ds:Transform Algorithm=\"{exclusive}\"/></ds:Transforms><ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>
"
    );
    for number in 0..ENTITIES {
        entity(&mut text, number, &lines)?;
    }
    text.push_str("</md:EntitiesDescriptor>\n");
    Ok(text)
}

/// An entity of the usual size, which is mostly names in languages and certificates.
fn entity(text: &mut String, number: usize, certificate: &str) -> Result<()> {
    let host = format!("idp{number}.university.example");
    let key = |usage: &str| {
        format!(
            "      <md:KeyDescriptor use=\"{usage}\">
        <ds:KeyInfo>
          <ds:X509Data>
            <ds:X509Certificate>
{certificate}            </ds:X509Certificate>
          </ds:X509Data>
        </ds:KeyInfo>
      </md:KeyDescriptor>
"
        )
    };
    writeln!(
        text,
        "  <md:EntityDescriptor entityID=\"{}\">
    <md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol urn:mace:shibboleth:1.0\">
      <md:Extensions>
        <shibmd:Scope regexp=\"false\">university{number}.example</shibmd:Scope>
        <mdui:UIInfo>",
        entity_id(number)
    )?;
    for language in ["en", "de", "fr", "es", "it", "nl", "sv"] {
        writeln!(
            text,
            "          <mdui:DisplayName xml:lang=\"{language}\">Université d’exemple № {number} &amp; Hochschule</mdui:DisplayName>
          <mdui:Description xml:lang=\"{language}\">Identity provider number {number} for students &amp; members of the university; it serves all faculties and the library.</mdui:Description>
          <mdui:InformationURL xml:lang=\"{language}\">https://www.university{number}.example/{language}/about</mdui:InformationURL>"
        )?;
    }
    writeln!(
        text,
        "          <mdui:Logo height=\"80\" width=\"80\">https://{host}/images/logo.png</mdui:Logo>
        </mdui:UIInfo>
      </md:Extensions>
{}{}      <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:transient</md:NameIDFormat>
      <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>
      <md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"https://{host}/idp/profile/SAML2/Redirect/SSO\"/>
      <md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"https://{host}/idp/profile/SAML2/POST/SSO\"/>
    </md:IDPSSODescriptor>
    <md:Organization>
      <md:OrganizationName xml:lang=\"en\">University {number}</md:OrganizationName>
      <md:OrganizationDisplayName xml:lang=\"en\">University {number} of Examples</md:OrganizationDisplayName>
      <md:OrganizationURL xml:lang=\"en\">https://www.university{number}.example/</md:OrganizationURL>
    </md:Organization>
    <md:ContactPerson contactType=\"technical\">
      <md:GivenName>Service desk</md:GivenName>
      <md:SurName>of the university</md:SurName>
      <md:EmailAddress>mailto:service@university{number}.example</md:EmailAddress>
    </md:ContactPerson>
  </md:EntityDescriptor>",
        key("signing"),
        key("encryption"),
    )?;
    Ok(())
}
