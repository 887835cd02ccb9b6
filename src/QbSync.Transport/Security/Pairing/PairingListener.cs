using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using QbSync.Transport.Wire;

namespace QbSync.Transport.Security;

/// <summary>Listens for a pairing and nothing else, while no role listens with the same files.</summary>
public sealed class PairingListener : IAsyncDisposable
{
    private readonly WebApplication _app;

    private PairingListener(WebApplication app) => _app = app;

    /// <summary>Where it listens, with the port that the system chose when 0 was asked for.</summary>
    public int Port => new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;

    /// <summary>Listens until disposed. A code is opened with <see cref="PairingWindow"/>, before or after.</summary>
    /// <exception cref="TrustException">A file that the options name cannot be used.</exception>
    /// <exception cref="IOException">The address cannot be listened on.</exception>
    public static async Task<PairingListener> StartAsync(
        SecurityOptions options, IPEndPoint endPoint, ILoggerFactory loggers, TimeProvider time, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.ListenQbSync(endPoint));
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton(loggers);
        builder.Services.AddSingleton(time);
        builder.Services.AddGrpc(static grpc => grpc.MaxReceiveMessageSize = PairingMethods.MaxMessage);
        var server = new TransportServerOptions { Security = options };
        builder.Services.AddSingleton(server);
        SecurityServices.Add(builder.Services, server, static _ => static () => { });
        var app = builder.Build();
        try
        {
            app.MapGrpcService<PairingService>().Add(PeerGuard.ProtectPairing);
            await app.StartAsync(cancellationToken).ConfigureAwait(false);
            return new PairingListener(app);
        }
        catch
        {
            await app.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Stops to listen.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(CancellationToken.None).ConfigureAwait(false);
        await _app.DisposeAsync().ConfigureAwait(false);
    }
}
