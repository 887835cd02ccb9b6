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
    private readonly Option<string?> _config = new("--config") { Description = ConfigFile.FlagHelp };
    private readonly Roles? _otherwise;
    private readonly Option<string?>? _url;
    private readonly Option<string?>? _token;

    /// <param name="withUrl">Whether an address will do, by which nothing can be changed.</param>
    /// <param name="otherwise">Which one is asked where both run and none is named; null for neither.</param>
    public ControlFlags(Command command, bool withUrl, Roles? otherwise = null)
    {
        _otherwise = otherwise;
        _role.AcceptOnlyFromAmong("source", "destination");
        command.Options.Add(_role);
        command.Options.Add(_state);
        command.Options.Add(_data);
        command.Options.Add(_config);
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
        var errors = new OptionErrors();
        var sources = new OptionSources(Named(result), environment, ConfigFile.Find(result.GetValue(_config), environment, errors));
        if (errors.All.Count > 0)
        {
            problem = string.Join(Environment.NewLine, errors.All);
            return null;
        }

        var named = result.GetValue(_role);
        var sockets = Each.Where(role => named is null || role.ToString().Equals(named, StringComparison.OrdinalIgnoreCase))
            .Select(role => (Role: role, Path: TrustSettings.Read(role, sources, new OptionErrors()) is { } settings ? ControlSocket.Of(settings.StateDirectory) : ""))
            .Where(static socket => File.Exists(socket.Path)).DistinctBy(static socket => socket.Path).ToList();
        if (sockets.Count > 1 && _otherwise is { } meant)
        {
            sockets.RemoveAll(socket => socket.Role != meant);
        }

        if (sockets.Count > 1)
        {
            problem = "Both roles run here. Give --role source or --role destination.";
        }

        return sockets.Count == 1 ? StatusClient.OverSocket(sockets[0].Path) : null;
    }

    /// <summary>The options of a role that were given besides.</summary>
    public Dictionary<string, IReadOnlyList<string>> Named(ParseResult result)
    {
        Dictionary<string, IReadOnlyList<string>> flags = [];
        foreach (var (name, option) in ((string, Option<string?>)[])[("state-dir", _state), ("data", _data)])
        {
            if (result.GetValue(option) is { } value)
            {
                flags[name] = [value];
            }
        }

        return flags;
    }

    /// <summary>The configuration file that a flag names; null where none does.</summary>
    public string? ConfigFlag(ParseResult result) => result.GetValue(_config);

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
