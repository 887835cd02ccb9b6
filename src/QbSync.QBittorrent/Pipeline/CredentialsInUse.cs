namespace QbSync.QBittorrent.Pipeline;

/// <summary>Why a login is tried; a later one outweighs an earlier one.</summary>
internal enum LoginCause
{
    /// <summary>A call needs it.</summary>
    Planned,

    /// <summary>A person wants it.</summary>
    Asked,

    /// <summary>Nobody listened at the address, so who answers now has counted nothing against us yet.</summary>
    Restarted,
}

/// <summary>The credentials that calls go out with, and where newer ones come from. Thread-safe.</summary>
internal sealed class CredentialsInUse(QBittorrentCredentials first, Func<QBittorrentCredentials>? source)
{
    private volatile QBittorrentCredentials _current = first;
    private int _cause;

    public QBittorrentCredentials Current => _current;

    /// <summary>There is a reason to try again earlier than planned.</summary>
    public void Note(LoginCause cause) => InterlockedMax((int)cause);

    /// <summary>The reason for a try now; each is told once.</summary>
    public LoginCause TakeCause() => (LoginCause)Interlocked.Exchange(ref _cause, 0);

    public void Use(QBittorrentCredentials credentials) => _current = credentials;

    /// <summary>Asks the source; true when it has others that make sense.</summary>
    public bool Reread()
    {
        QBittorrentCredentials? found;
        try
        {
            found = source?.Invoke()?.WithoutEmpty();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A file that is being replaced; it is asked again.
            return false;
        }

        if (found is null || found.IsSameAs(_current) || found.Validate().Any())
        {
            return false;
        }

        _current = found;
        return true;
    }

    private void InterlockedMax(int cause)
    {
        int seen;
        do
        {
            seen = Volatile.Read(ref _cause);
        }
        while (seen < cause && Interlocked.CompareExchange(ref _cause, cause, seen) != seen);
    }
}
