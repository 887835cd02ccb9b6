using System.Net.Sockets;

namespace QbSync.Host.Endpoints;

/// <summary>The file <c>control.sock</c> of a state folder, by which commands of this machine reach the role that runs there.</summary>
internal static class ControlSocket
{
    private const string Name = "control.sock";

    /// <summary>Where it is.</summary>
    public static string Of(string stateDirectory) => Path.Combine(stateDirectory, Name);

    /// <summary>Opens a connection to it.</summary>
    public static async ValueTask<Stream> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (ArgumentException error)
        {
            socket.Dispose();
            throw new IOException($"{path}: {error.Message}", error); // longer than the system allows
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Makes the state folder, for its owner alone, where it is not there yet.</summary>
    public static void MakeFolder(string stateDirectory)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(stateDirectory);
        }
        else
        {
            Directory.CreateDirectory(stateDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    /// <summary>
    /// Takes away what a process that is gone left there. Only for who has the state folder: of two that begin at once, one would take the other's for a leftover
    /// while that binds it already and does not listen yet.
    /// </summary>
    /// <exception cref="IOException">Somebody listens there, or the path is longer than the system allows.</exception>
    public static async Task MakeRoomAsync(string path, CancellationToken cancellationToken)
    {
        if (!File.Exists(path))
        {
            _ = Endpoint(path);
            return;
        }

        try
        {
            await using var other = await ConnectAsync(path, cancellationToken);
        }
        catch (SocketException)
        {
            File.Delete(path);
            return;
        }

        throw new IOException($"Another process listens on {path}.");
    }

    /// <summary>Lets only its owner in; before that the folder, which is the owner's alone, does so.</summary>
    public static void Restrict(string path)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
    }

    private static UnixDomainSocketEndPoint Endpoint(string path)
    {
        try
        {
            return new UnixDomainSocketEndPoint(path);
        }
        catch (ArgumentOutOfRangeException error)
        {
            throw new IOException($"The path {path} is longer than the system allows for a socket.", error);
        }
    }
}
