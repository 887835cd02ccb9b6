using QbSync.Host.Endpoints;
using QbSync.Transport;

namespace QbSync.Host.Configuration;

/// <summary>Rules between options, and between options and the machine. Creates nothing.</summary>
internal sealed class SettingsCheck(RoleSettings settings, OptionErrors errors)
{
    private const long LeastBuffer = 16 << 20;
    private const long LeastRate = 64 << 10;

    private readonly OptionValues _values = settings.Values;

    public void Run()
    {
        CheckData();
        CheckClient();
        CheckSecurity();
        if (_values.Address("health-addr") is { } health && !health.TryGetEndPoint(out _))
        {
            Report("health-addr", $"{health.Host} is no address", "Give an IP address, localhost, or only a port.");
        }

        if (_values.Secret("http-token") is { IsEmpty: false } token && token.Reveal().Length < AccessRules.LeastToken)
        {
            Report("http-token", "too short", $"Give {AccessRules.LeastToken} characters or more.");
        }

        foreach (var tag in _values.All.Where(static value => value.Definition.Name.EndsWith("-tag", StringComparison.Ordinal) && value.Definition.Kind == OptionKind.Text))
        {
            if (tag.Raw.Contains(',', StringComparison.Ordinal))
            {
                Report(tag.Definition.Name, $"\"{tag.Raw}\" holds a comma, which separates tags in a client", "Leave it out.");
            }
        }

        if (settings.Role == Roles.Source)
        {
            CheckSource();
        }
        else
        {
            CheckDestination();
        }
    }

    private void CheckData()
    {
        var data = settings.Data;
        if (data.Length == 0)
        {
            return;
        }

        if (Path.TrimEndingDirectorySeparator(data) == Path.GetPathRoot(data))
        {
            Report("data", "the root of the file system is no data folder", "Name a folder of its own.");
        }
        else if (!Directory.Exists(data))
        {
            Report("data", $"{data} is not a folder", "Create it, mount it, or name another.");
        }
    }

    private void CheckClient()
    {
        if (settings.Client == ClientKind.QBittorrent && _values.Url("qb-url") is null)
        {
            Report("qb-url", "not set", "Give the address of qBittorrent's WebUI, or use --client folder.");
        }

        if ((_values.Text("qb-username").Length == 0) != _values.Secret("qb-password").IsEmpty)
        {
            var missing = _values.Text("qb-username").Length == 0 ? "qb-username" : "qb-password";
            Report(missing, "not set", "Give both a user name and a password, or neither.");
        }

        // What else is wrong begins with the option that it is about.
        foreach (var error in ClientFactory.ReadOptions(settings).Validate())
        {
            var end = error.IndexOf(": ", StringComparison.Ordinal);
            if (end > 0 && OptionCatalog.For(settings.Role).Any(option => option.Name == error[..end]))
            {
                Report(error[..end], error[(end + 2)..].TrimEnd('.'), "See: docs/client.md.");
            }
        }
    }

    private void CheckSecurity()
    {
        ReportAll(settings.Security.Validate(listens: settings.Role == Roles.Destination), "See: docs/pairing.md.");
    }

    /// <param name="faults">Each begins with the option that it is about.</param>
    private void ReportAll(IEnumerable<string> faults, string remedy)
    {
        foreach (var error in faults)
        {
            var end = error.IndexOf(':', StringComparison.Ordinal);
            Report(error[..end], error[(end + 1)..].Trim(), remedy);
        }
    }

    /// <summary>Whether bytes would leave this machine with neither encryption nor a known peer. Nothing but the option of that name allows it.</summary>
    private bool IsBareBeyond(HostPort address) => settings.Security is { Mode: SecurityMode.Insecure, AllowInsecure: false } && !address.IsLoopback;

    private void CheckSource()
    {
        if (_values.Address("destination-addr") is { } address)
        {
            if (address.Host.Length == 0 || address.Port == 0)
            {
                Report("destination-addr", "no host or no port in it", "Give host:port of the destination.");
            }
            else if (IsBareBeyond(address))
            {
                Report("destination-addr", $"{address.Host} is not this machine, and security=insecure is for loopback only", "Pair the two machines (qbsync pair), or use a tunnel.");
            }
        }

        ReportAll([.. settings.Filter.Validate(), .. settings.Handoff.Validate()], "See: qbsync source --help.");
        if (_values.Bytes("rate-limit") is > 0 and < LeastRate)
        {
            Report("rate-limit", "below 64 KiB a second, at which a piece could not be answered in time", "Give 64KiB/s or more, or 0 for no limit.");
        }

        if (!TransportClientOptions.IsCongestionName(_values.Text("tcp-congestion")))
        {
            Report("tcp-congestion", "no name of an algorithm", "Use auto, system, or a name in /proc/sys/net/ipv4/tcp_available_congestion_control.");
        }

        // What else an engine refuses begins with the option that it is about.
        if (errors.All.Count == 0)
        {
            ReportAll(EngineOptions.ForSource(settings).Validate(), "See: docs/configuration.md.");
        }

        if (_values.Integer("min-connections") > _values.Integer("max-connections"))
        {
            Report("min-connections", "more than max-connections", "Lower it, or raise max-connections.");
        }
    }

    private void CheckDestination()
    {
        if (_values.Bytes("max-stream-buffer") is > 0 and < LeastBuffer)
        {
            Report("max-stream-buffer", "less than 16MiB", "Use 16MiB to 64GiB, or 0 for the default.");
        }

        if (_values.Address("listen") is not { } listen)
        {
            return;
        }

        if (!listen.TryGetEndPoint(out _))
        {
            Report("listen", $"{listen.Host} is no address", "Give an IP address, localhost, or only a port.");
        }
        else if (IsBareBeyond(listen))
        {
            Report("listen", "anybody could connect, and security=insecure is for loopback only", "Pair the two machines (qbsync pair), or listen on 127.0.0.1.");
        }

        if (settings.HealthAddress is { Port: not 0 } health && health.Port == listen.Port)
        {
            Report("health-addr", "the same port as listen", "Give them different ports.");
        }
    }

    private void Report(string name, string problem, string remedy) =>
        errors.Report(name, _values.GetOrigin(name), problem, remedy);
}
