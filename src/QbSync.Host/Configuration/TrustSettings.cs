using QbSync.Transport;

namespace QbSync.Host.Configuration;

/// <summary>Where a role's state is and whom it trusts: what the roles, <c>id</c> and <c>pair</c> read the same way.</summary>
internal sealed record TrustSettings
{
    private const string IdentityFile = "identity.pem";
    private const string PeersFile = "peers.json";

    private static readonly HashSet<string> Names =
    [
        "data", "state-dir", "security", "insecure", "tls-cert-file", "tls-key-file", "tls-ca-file", "allowed-peers", "peer-token", "peers-file", "identity-file",
        "listen", "destination-addr",
    ];

    public required Roles Role { get; init; }

    public required string StateDirectory { get; init; }

    public required SecurityOptions Security { get; init; }

    /// <summary>Destination only: where it listens.</summary>
    public required HostPort? Listen { get; init; }

    /// <summary>Source only: where its destination is, if that is known.</summary>
    public required HostPort? Destination { get; init; }

    /// <summary>Options that these commands take besides their own.</summary>
    public static IEnumerable<OptionDefinition> Options =>
        OptionCatalog.All.Where(option => option.Name is "data" or "state-dir" or "listen" or "destination-addr" or "peers-file" or "identity-file");

    /// <summary>Reads what is said of one role; null with every error when anything is wrong.</summary>
    public static TrustSettings? Read(
        Roles role,
        OptionSources sources,
        OptionErrors errors)
    {
        var values = new OptionReader(role, sources, errors, Names).Read();
        var state = FindStateDirectory(role, values, sources.Environment);
        if (state.Length == 0)
        {
            errors.Report("state-dir", "default", "not known", "Give --state-dir, or the --data folder of the destination.");
        }

        return errors.All.Count > 0 ? null : new TrustSettings
        {
            Role = role,
            StateDirectory = state,
            Security = Read(values, state),
            Listen = role == Roles.Destination ? values.Address("listen") : null,
            Destination = role == Roles.Source ? values.Address("destination-addr") : null,
        };
    }

    /// <summary>Security as the transport takes it.</summary>
    public static SecurityOptions Read(OptionValues values, string stateDirectory) => new()
    {
        Mode = values.Text("security") switch
        {
            "ca" => SecurityMode.CertificateAuthority,
            "token" => SecurityMode.Token,
            "insecure" => SecurityMode.Insecure,
            _ => SecurityMode.Paired,
        },
        AllowInsecure = values.Flag("insecure"),
        IdentityFile = values.TextOrNull("identity-file") ?? Path.Combine(stateDirectory, IdentityFile),
        PeersFile = values.TextOrNull("peers-file") ?? Path.Combine(stateDirectory, PeersFile),
        CertificateFile = values.Text("tls-cert-file"),
        KeyFile = values.Text("tls-key-file"),
        AuthorityFile = values.Text("tls-ca-file"),
        AllowedPeers = values.List("allowed-peers"),
        PeerToken = values.Secret("peer-token").Reveal(),

        // A file of peers may be mounted read-only; a code that is open must be written.
        PairingFile = Path.Combine(stateDirectory, "pairing.json"),
    };

    /// <summary>The role's state folder; empty where nothing says where it is.</summary>
    public static string FindStateDirectory(Roles role, OptionValues values, IReadOnlyDictionary<string, string> environment)
    {
        if (values.TextOrNull("state-dir") is { } named)
        {
            return named;
        }

        if (environment.GetValueOrDefault("STATE_DIRECTORY") is { Length: > 0 } given)
        {
            return given;
        }

        if (role == Roles.Destination)
        {
            var data = values.Text("data");
            return data.Length == 0 ? "" : Path.Combine(data, ".qbsync");
        }

        // A source's data is often mounted read-only, so its state is never below it.
        var home = environment.GetValueOrDefault("XDG_STATE_HOME") is { Length: > 0 } state
            ? state
            : Path.Combine(environment.GetValueOrDefault("HOME", "/"), ".local", "state");
        return Path.Combine(home, "qbsync", "source");
    }
}
