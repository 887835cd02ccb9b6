using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using QbSync.Transport.Security;
using QbSync.Transport.Wire;
using QbSync.Transport.Wire.Protocol;

namespace QbSync.Transport.Tests.Security;

/// <summary>Somebody in the middle with certificates of its own, who passes frames on to the real listener, or, without one, sends back what it was sent.</summary>
internal sealed class PairingRelay : IAsyncDisposable
{
    private readonly WebApplication _app;

    private PairingRelay(WebApplication app) => _app = app;

    public int Port => new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;

    public int Passed => _app.Services.GetRequiredService<Service>().Passed;

    public static async Task<PairingRelay> StartAsync(int? target)
    {
        var certificate = SecureNode.NewEcdsa(ECCurve.NamedCurves.nistP256);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.Use(next => async connection =>
            {
                var outer = connection.Transport;
                await using var ssl = new SslStream(new DuplexPipeStream(outer, static () => { }));
                await ssl.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
                {
                    ServerCertificate = certificate,
                    ClientCertificateRequired = true,
                    ApplicationProtocols = [SslApplicationProtocol.Http2],
                    RemoteCertificateValidationCallback = static (_, _, _, _) => true,
                });
                await TlsGreeting.SendAcceptedAsync(ssl, CancellationToken.None);
                connection.Transport = new TlsPipe(PipeReader.Create(ssl), PipeWriter.Create(ssl));
                await next(connection);
                connection.Transport = outer;
            });
        }));
        builder.Services.AddRoutingCore();
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(new Service(target));
        builder.Services.AddSingleton<IServiceMethodProvider<Service>, Provider>();
        var app = builder.Build();
        app.MapGrpcService<Service>();
        await app.StartAsync();
        return new PairingRelay(app);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    internal sealed class Service(int? target)
    {
        private int _passed;

        public int Passed => _passed;

        public async Task ExchangeAsync(IAsyncStreamReader<PairingFrame> frames, IServerStreamWriter<PairingFrame> answers)
        {
            if (target is not { } port)
            {
                while (await frames.MoveNext(CancellationToken.None))
                {
                    Interlocked.Increment(ref _passed);
                    await answers.WriteAsync(frames.Current);
                }

                return;
            }

            using var own = SecureNode.NewEcdsa(ECCurve.NamedCurves.nistP256);
            await using var channel = new SecureChannel(await SecureNode.KnockAsync(port, own));
            using var call = channel.Invoker.AsyncDuplexStreamingCall(PairingMethods.Exchange, null, default);
            while (await frames.MoveNext(CancellationToken.None))
            {
                Interlocked.Increment(ref _passed);
                await call.RequestStream.WriteAsync(frames.Current);
                if (!await call.ResponseStream.MoveNext(CancellationToken.None))
                {
                    return;
                }

                Interlocked.Increment(ref _passed);
                await answers.WriteAsync(call.ResponseStream.Current);
            }
        }
    }

    private sealed class Provider : IServiceMethodProvider<Service>
    {
        public void OnServiceMethodDiscovery(ServiceMethodProviderContext<Service> context) =>
            context.AddDuplexStreamingMethod(PairingMethods.Exchange, [], static (service, frames, answers, _) => service.ExchangeAsync(frames, answers));
    }
}
