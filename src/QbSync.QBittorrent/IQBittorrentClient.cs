using QbSync.QBittorrent.Models;

namespace QbSync.QBittorrent;

/// <summary>
/// The qBittorrent WebAPI, a method per endpoint, for versions 4.2 to 5.3. Thread-safe.
/// <para>
/// Every call logs in when it must, and is tried again where that is safe. What fails throws <see cref="TorrentClientException"/>, whose
/// <see cref="TorrentClientException.Fault"/> says what happened; besides the faults named at a method, any call may end with those of the
/// way there: <see cref="ClientFault.Unreachable"/>, <see cref="ClientFault.Timeout"/>, <see cref="ClientFault.Busy"/>,
/// <see cref="ClientFault.ServerError"/>, <see cref="ClientFault.BrokenAnswer"/>, <see cref="ClientFault.BreakerOpen"/>, and those of the
/// login. An argument that would mean something else to the server (no ids, more than 64, <c>all</c>, a tag with a comma) is an
/// <see cref="ArgumentException"/>, and nothing is sent.
/// </para>
/// <para>
/// An answered change is a request taken, not a thing done, and one for a torrent that the server does not know is answered as well: look
/// before you rely on it. Numbers of the records are the server's own; a field that a version does not tell is null.
/// </para>
/// </summary>
public partial interface IQBittorrentClient
{
    /// <summary>Logs in (<c>auth/login</c>), unless that holds already or is not needed. Every other method does it by itself.</summary>
    /// <exception cref="TorrentClientException">
    /// <see cref="ClientFault.Unauthorized"/>: the credentials were refused, or are lacking. <see cref="ClientFault.Banned"/>: too many wrong
    /// logins from here. <see cref="ClientFault.HostRefused"/>: it does not want to be called by this host name or port.
    /// <see cref="ClientFault.NotAWebApi"/>, <see cref="ClientFault.Redirected"/>, <see cref="ClientFault.Untrusted"/>: something else is
    /// there. All of these are remembered for a while, and calls refused meanwhile.
    /// </exception>
    Task LoginAsync(CancellationToken cancellationToken);

    /// <summary>Gives the login back (<c>auth/logout</c>), if there is one; the next call logs in anew.</summary>
    Task LogoutAsync(CancellationToken cancellationToken);

    /// <summary>Version of the WebAPI (<c>app/webapiVersion</c>), as in <c>2.11.4</c>; compare its parts as numbers.</summary>
    Task<string> GetWebApiVersionAsync(CancellationToken cancellationToken);

    /// <summary>Version of the client (<c>app/version</c>), as in <c>v5.1.0</c>.</summary>
    Task<string> GetVersionAsync(CancellationToken cancellationToken);

    /// <summary>What the client is made of (<c>app/buildInfo</c>).</summary>
    Task<BuildInfoRecord> GetBuildInfoAsync(CancellationToken cancellationToken);

    /// <summary>A few of the settings (<c>app/preferences</c>); the passwords among them are not kept.</summary>
    Task<AppPreferencesRecord> GetAppPreferencesAsync(CancellationToken cancellationToken);

    /// <summary>Lines of the client's log (<c>log/main</c>), oldest first; it keeps the last 20,000.</summary>
    /// <param name="levels">Which lines.</param>
    /// <param name="after"><see cref="LogRecord.Id"/> of the last line that is known; -1 for all.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    Task<IReadOnlyList<LogRecord>> GetLogAsync(LogLevels levels, long after, CancellationToken cancellationToken);

    /// <summary>
    /// Everything, or what changed (<c>sync/maindata</c>). The server remembers one answer per login, so let one reader use this.
    /// </summary>
    /// <param name="rid">0 for everything, else <see cref="MainDataRecord.Rid"/> of the answer before.</param>
    /// <param name="cancellationToken">Ends the call; the answer's changes may then be lost, so ask for everything next.</param>
    Task<MainDataRecord> GetMainDataAsync(long rid, CancellationToken cancellationToken);
}
