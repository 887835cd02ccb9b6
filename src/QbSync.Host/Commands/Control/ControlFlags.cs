using System.CommandLine;
using QbSync.Host.Configuration;
using QbSync.Host.Endpoints;

namespace QbSync.Host.Commands.Control;

/// <summary>The options that say which running role a command asks: by its state folder on this machine, or by an address.</summary>
internal sealed class ControlFlags
{
    private static readonly Roles[] Each = [Roles.Source, Roles.Destination];
    private readonly Option<string?> _role = new("--role") { Description = "source or destination: which one is asked, where both run here." };
    private readonly Option<string?> _state = new("--state-dir") { Description = "Its state folder." };
    private readonly Option<string?> _data = new("--data") { Description = "A destination's data folder, below which its state is by default." };
    private readonly Option<string?>? _url;
    private readonly Option<string?>? _token;

    /// <param name="withUrl">Whether an address will do, by which nothing can be changed.</param>
    public ControlFlags(Command command, bool withUrl)
    {
        _role.AcceptOnlyFromAmong("source", "destination");
        command.Options.Add(_role);
        command.Options.Add(_state);
        command.Options.Add(_data);
        if (withUrl)
        {
            _url = new Option<string?>("--url") { Description = "Its address instead, as in http://192.168.1.20:8080." };
            _token = new Option<string?>("--token-file") { Description = "File with the token that it asks for there." };
            command.Options.Add(_url);
            command.Options.Add(_token);
        }
    }

    /// <summary>A way to the role that is meant; null with what is wrong in <paramref name="problem"/>, which is empty when no role runs.</summary>
    public StatusClient? Find(ParseResult result, out string problem)
    {
        problem = "";
        if (_url is not null && result.GetValue(_url) is { } url)
        {
            return FindByAddress(url, result.GetValue(_token!), out problem);
        }

        if (_token is not null && result.GetValue(_token) is not null)
        {
            problem = "--token-file goes with --url.";
            return null;
        }

        var environment = EnvironmentVariables.Read();
        var flags = new Dictionary<string, IReadOnlyList<string>>();
        Add("state-dir", result.GetValue(_state));
        Add("data", result.GetValue(_data));
        var sources = new OptionSources(flags, environment, ConfigFile.Find(null, environment, new OptionErrors()));
        var named = result.GetValue(_role);
        var sockets = Each.Where(role => named is null || role.ToString().Equals(named, StringComparison.OrdinalIgnoreCase))
            .Select(role => TrustSettings.Read(role, sources, new OptionErrors()) is { } settings ? ControlSocket.Of(settings.StateDirectory) : "")
            .Where(File.Exists).Distinct().ToList();
        if (sockets.Count > 1)
        {
            problem = "Both roles run here. Give --role source or --role destination.";
        }

        return sockets.Count == 1 ? StatusClient.OverSocket(sockets[0]) : null;

        void Add(string name, string? value)
        {
            if (value is not null)
            {
                flags[name] = [value];
            }
        }
    }

    private static StatusClient? FindByAddress(string address, string? tokenFile, out string problem)
    {
        problem = "";
        if (!Uri.TryCreate(address, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.UserInfo.Length > 0)
        {
            problem = "--url is no address like http://192.168.1.20:8080.";
            return null;
        }

        try
        {
            return StatusClient.OverTcp(url, tokenFile is null ? null : Secret.ReadFile(tokenFile));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            problem = $"--token-file: {error.Message}";
            return null;
        }
    }
}
