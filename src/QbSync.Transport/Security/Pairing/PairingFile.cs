using System.Security.Cryptography;
using System.Text.Json;

namespace QbSync.Transport.Security;

/// <summary>
/// An open pairing code between processes: who asked for it writes it, the listener reads it when a stranger comes. The file holds the key that was made of
/// the code, not the code, and is the one place where tries are counted.
/// </summary>
/// <param name="isReadOnly">Whether no code is ever open, since its use would be written down.</param>
internal sealed class PairingFile(string path, TimeProvider time, bool isReadOnly = false)
{
    public const int MostTries = 5;
    public const int KeyBytes = 32;
    public static readonly TimeSpan OpenTime = TimeSpan.FromMinutes(10);
    private const int Version = 1;

    /// <summary>Opens a code; one that was open is void.</summary>
    public OpenPairing Open(byte[] key, string name)
    {
        var open = new OpenPairing(key, time.GetUtcNow() + OpenTime, 0, Peer.ToName(name));
        Write(open);
        return open;
    }

    /// <summary>The code that is open now, or null. One that is not understood, or could be read by others, is not open.</summary>
    public OpenPairing? Read()
    {
        if (isReadOnly)
        {
            return null;
        }

        byte[]? content;
        try
        {
            content = PrivateFile.Read(path, isSecret: true);
        }
        catch (TrustException)
        {
            return null;
        }

        if (content is null)
        {
            return null;
        }

        PairingDocument? document;
        try
        {
            document = JsonSerializer.Deserialize(content, PeersJson.Default.PairingDocument);
        }
        catch (JsonException)
        {
            return null;
        }

        // A clock that was set back must not keep a code open for longer than it was meant to be.
        var left = document?.Expires - time.GetUtcNow();
        return document is { Version: Version, Key.Length: KeyBytes, Tries: >= 0 and < MostTries } && left > TimeSpan.Zero && left <= OpenTime
            ? new OpenPairing(document.Key, document.Expires, document.Tries, Peer.ToName(document.Name))
            : null;
    }

    /// <summary>Counts a wrong try, durably; the last one closes the code. Another that was opened since is not written over.</summary>
    public void CountTry(OpenPairing open)
    {
        if (Read() is not { } current || !CryptographicOperations.FixedTimeEquals(current.Key, open.Key))
        {
            return;
        }

        if (current.Tries + 1 >= MostTries)
        {
            PrivateFile.Delete(path);
        }
        else
        {
            Write(current with { Tries = current.Tries + 1 });
        }
    }

    /// <summary>Makes the code void, unless another was opened since.</summary>
    public void Close(OpenPairing open)
    {
        if (Read() is not { } current || CryptographicOperations.FixedTimeEquals(current.Key, open.Key))
        {
            PrivateFile.Delete(path);
        }
    }

    private void Write(OpenPairing open) => PrivateFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(
        new PairingDocument { Version = Version, Key = open.Key, Expires = open.Expires, Tries = open.Tries, Name = open.Name }, PeersJson.Default.PairingDocument));
}

/// <summary>A code that may be used once.</summary>
/// <param name="Key">What both ends make of the code.</param>
/// <param name="Tries">Wrong ones so far.</param>
/// <param name="Name">What this node calls itself to who uses it.</param>
internal sealed record OpenPairing(byte[] Key, DateTimeOffset Expires, int Tries, string Name);

/// <summary>The file.</summary>
internal sealed class PairingDocument
{
    public required int Version { get; set; }

    public required byte[] Key { get; set; }

    public required DateTimeOffset Expires { get; set; }

    public required int Tries { get; set; }

    public string Name { get; set; } = "";
}
