using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using QbSync.Host.Configuration;
using QbSync.Host.Lifetime;
using QbSync.Transport.Security;

namespace QbSync.Host.Commands.Pairing;

/// <summary>
/// The side that is dialed: opens a code, prints it, and waits until it was used or is void. A running destination takes the pairing in; when none runs, this
/// listens itself, for pairing alone.
/// </summary>
internal sealed class PairingWait(TrustSettings settings, PeerStore peers, string name, TextWriter output, TextWriter errors, bool asJson, TimeProvider time)
{
    private TextWriter Said => asJson ? errors : output;

    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var listen = settings.Listen ?? new HostPort("", 50051);
        if (!listen.TryGetEndPoint(out var endPoint))
        {
            await errors.WriteLineAsync($"--listen: {listen.Host} is no address. Give an IP address, localhost, or only a port.");
            return ExitCodes.Usage;
        }

        using var identity = NodeIdentity.LoadOrCreate(settings.Security.IdentityFile, time);
        await using var listener = await ListenAsync(endPoint, cancellationToken);
        if (listener is null && !IsRoleRunning())
        {
            await errors.WriteLineAsync($"{listen} is in use, and no destination with the state in {settings.StateDirectory} runs. Which program listens there?");
            return ExitCodes.CouldNotStart;
        }

        using var window = PairingWindow.Open(settings.Security, peers, name, time);
        var port = listener?.Port ?? listen.Port;
        await Said.WriteLineAsync($"This node is {identity.Id}.");
        await Said.WriteLineAsync(listener is null ? "The running destination takes the pairing in." : "No destination runs here; this command listens until it is done.");
        await Said.WriteLineAsync($"On the source's machine, within ten minutes:{Environment.NewLine}");
        await Said.WriteLineAsync($"    qbsync pair {new HostPort(FindHost(listen), port)} {window.Code}{Environment.NewLine}");
        await Said.WriteLineAsync("Any address by which it reaches this machine will do. Waiting; Ctrl-C makes the code void.");
        await Said.FlushAsync(cancellationToken);
        try
        {
            return await window.WaitAsync(cancellationToken) is { } paired ? Tell(identity.Id, paired) : TellVoid(window);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await errors.WriteLineAsync("Stopped; the code is void.");
            return ExitCodes.ForcedByInterrupt;
        }
    }

    private async Task<PairingListener?> ListenAsync(IPEndPoint endPoint, CancellationToken cancellationToken)
    {
        try
        {
            return await PairingListener.StartAsync(settings.Security, endPoint, NullLoggerFactory.Instance, time, cancellationToken);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Whether a role holds the state: its lock then keeps the file from being opened here.</summary>
    private bool IsRoleRunning()
    {
        try
        {
            using var free = new FileStream(Path.Combine(settings.StateDirectory, "lock"), FileMode.Open, FileAccess.Read, FileShare.Read);
            return false;
        }
        catch (IOException error)
        {
            return error is not (FileNotFoundException or DirectoryNotFoundException);
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }

    private int Tell(NodeId own, Peer paired)
    {
        if (asJson)
        {
            output.WriteLine(PeerDocuments.OfPairing(own, paired));
            return ExitCodes.Done;
        }

        output.WriteLine($"Paired with {paired.Name}. Both sides show the same two ids:");
        output.WriteLine($"  this node   {own}");
        output.WriteLine($"  the other   {paired.Id}");
        output.WriteLine($"It may do here: {GrantText.Describe(paired.Grants)}. Less: qbsync pair --grant {paired.Name} KEY=VALUE..");
        return ExitCodes.Done;
    }

    private int TellVoid(PairingWindow window)
    {
        errors.WriteLine(time.GetUtcNow() >= window.Expires
            ? "Nobody used the code within ten minutes; it is void. Nothing was trusted."
            : "The code is void: it was tried wrong five times, or another qbsync pair opened a newer one. Nothing was trusted.");
        return ExitCodes.BadAnswer;
    }

    /// <summary>An address of this machine that others may reach it by, for the line that is copied; a person may know a better one.</summary>
    private static string FindHost(HostPort listen)
    {
        if (listen.Host.Length > 0 && !(IPAddress.TryParse(listen.Host, out var address) && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))))
        {
            return listen.Host;
        }

        return NetworkInterface.GetAllNetworkInterfaces()
            .Where(static one => one.OperationalStatus == OperationalStatus.Up && one.NetworkInterfaceType != NetworkInterfaceType.Loopback)
            .OrderByDescending(static one => one.GetIPProperties().GatewayAddresses.Count)
            .SelectMany(static one => one.GetIPProperties().UnicastAddresses)
            .Select(static unicast => unicast.Address)
            .FirstOrDefault(static found => found.AddressFamily == AddressFamily.InterNetwork)?.ToString() ?? Environment.MachineName;
    }
}
