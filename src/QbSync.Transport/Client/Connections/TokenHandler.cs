using QbSync.Transport.Security;

namespace QbSync.Transport.Client.Connections;

/// <summary>Shows the token with each call. Only connections that authenticated the listener reach it.</summary>
internal sealed class TokenHandler(string header, HttpMessageHandler inner) : DelegatingHandler(inner)
{
    /// <summary>The handler that these options ask for round <paramref name="inner"/>.</summary>
    public static HttpMessageHandler Wrap(SecurityOptions options, HttpMessageHandler inner) =>
        options.Mode == SecurityMode.Token ? new TokenHandler(TokenTrust.ToHeader(options.PeerToken), inner) : inner;

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        request.Headers.TryAddWithoutValidation("authorization", header);
        return base.SendAsync(request, cancellationToken);
    }
}
