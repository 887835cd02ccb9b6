using System.Text;

namespace QbSync.Transport;

/// <summary>Whom to trust and as whom to appear. Read once, at the start; the files that it names are read again when they change.</summary>
public sealed class SecurityOptions
{
    internal const int LeastTokenBytes = 32;
    private const string PairingFileName = "pairing.json";

    /// <summary>How peers are authenticated.</summary>
    /// <value><see cref="SecurityMode.Paired"/>.</value>
    public SecurityMode Mode { get; set; } = SecurityMode.Paired;

    /// <summary>Own certificate and private key; made when it is absent. Readable by its owner alone.</summary>
    /// <value>Empty; required when peers are paired.</value>
    public string IdentityFile { get; set; } = "";

    /// <summary>The peers that are pinned, with what they may do.</summary>
    /// <value>Empty; required when peers are paired. With a token, a dialer may have the listener's pin in it.</value>
    public string PeersFile { get; set; } = "";

    /// <summary>Where an open pairing code waits for its one use.</summary>
    /// <value>Empty: <c>pairing.json</c> beside <see cref="PeersFile"/>.</value>
    public string PairingFile { get; set; } = "";

    /// <summary>Own certificate, PEM, with the chain to the authority if there is one between.</summary>
    /// <value>Empty; required with an authority, and at a listener with a token.</value>
    public string CertificateFile { get; set; } = "";

    /// <summary>Private key of <see cref="CertificateFile"/>, PEM. Readable by its owner alone.</summary>
    /// <value>Empty; required where the certificate is.</value>
    public string KeyFile { get; set; } = "";

    /// <summary>The authority's certificates, PEM; no other authority counts.</summary>
    /// <value>Empty; required with an authority. With a token: empty asks the system's authorities.</value>
    public string AuthorityFile { get; set; } = "";

    /// <summary>DNS names or URIs of which one must be in the peer's certificate, exactly.</summary>
    /// <value>Empty; required with an authority.</value>
    public IReadOnlyList<string> AllowedPeers { get; set; } = [];

    /// <summary>The token. A secret.</summary>
    /// <value>Empty; with a token required, at least 32 bytes.</value>
    public string PeerToken { get; set; } = "";

    /// <summary>Lets <see cref="SecurityMode.Insecure"/> leave the loopback: everybody on the way may then read, write and delete.</summary>
    /// <value>false.</value>
    public bool AllowInsecure { get; set; }

    /// <summary>Whether no file is made: a node without an identity has one for as long as it runs, which nobody trusts.</summary>
    /// <value>false.</value>
    public bool ReadOnly { get; set; }

    /// <summary><see cref="PairingFile"/>, or where it is by default.</summary>
    internal string PairingPath =>
        PairingFile.Length > 0 ? PairingFile : Path.Combine(Path.GetDirectoryName(Path.GetFullPath(PeersFile)) ?? "", PairingFileName);

    /// <summary>Everything that is wrong with these values, named as the user knows them; empty when nothing is.</summary>
    /// <param name="listens">Whether they are those of a side that listens.</param>
    public IReadOnlyList<string> Validate(bool listens)
    {
        List<string> errors = [];
        switch (Mode)
        {
            case SecurityMode.Paired:
                Require(errors, "identity-file", IdentityFile);
                Require(errors, "peers-file", PeersFile);
                break;
            case SecurityMode.CertificateAuthority:
                Require(errors, "tls-cert-file", CertificateFile);
                Require(errors, "tls-key-file", KeyFile);
                Require(errors, "tls-ca-file", AuthorityFile);
                if (AllowedPeers.Count == 0)
                {
                    errors.Add("allowed-peers: security=ca needs the names of those who may connect");
                }

                break;
            case SecurityMode.Token:
                if (listens)
                {
                    Require(errors, "tls-cert-file", CertificateFile);
                    Require(errors, "tls-key-file", KeyFile);
                }

                if (Encoding.UTF8.GetByteCount(PeerToken) < LeastTokenBytes)
                {
                    errors.Add($"peer-token: has less than {LeastTokenBytes} bytes");
                }
                else if (PeerToken.AsSpan().ContainsAnyExceptInRange('!', '~'))
                {
                    errors.Add("peer-token: has characters that no header can carry; use letters, digits and punctuation");
                }

                break;
            case SecurityMode.Insecure:
                break;
            default:
                errors.Add($"security: {Mode} is unknown");
                break;
        }

        if (AllowedPeers.Any(string.IsNullOrWhiteSpace))
        {
            errors.Add("allowed-peers: a name is empty");
        }

        return errors;
    }

    private void Require(List<string> errors, string option, string value)
    {
        if (value.Length == 0)
        {
            errors.Add($"{option}: security={Name(Mode)} needs it");
        }
    }

    private static string Name(SecurityMode mode) => mode switch
    {
        SecurityMode.Paired => "paired",
        SecurityMode.CertificateAuthority => "ca",
        SecurityMode.Token => "token",
        SecurityMode.Insecure => "insecure",
    };
}
