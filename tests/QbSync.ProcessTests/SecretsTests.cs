using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using QbSync.Testing.Machine;
using QbSync.Testing.Processes;
using QbSync.Testing.Waiting;

namespace QbSync.ProcessTests;

/// <summary>Each secret is a text that is nowhere else: it must be found in no place but the file that it came from.</summary>
internal sealed class SecretsTests
{
    private const string Token = "canary-token-5f0c1e77a94d4b0f8a6f2b1d";
    private const string WrongToken = "canary-wrong-0b9d7a3c6e514f28b7c4d8e2";
    private const string Password = "canary-password-91d3";
    private readonly List<string> _shown = [];

    [Test]
    public async Task Secrets_Canaries_AppearNowhere()
    {
        using var folder = new TempDirectory();
        var (certificate, key) = WriteCertificate(folder);
        var (token, wrong, password) = (Write(folder, "token", Token), Write(folder, "wrong", WrongToken), Write(folder, "password", Password));
        var (listen, health, sourceHealth) = ($"127.0.0.1:{FreePorts.Take()}", FreePorts.Take(), FreePorts.Take());
        string[] destinationOptions =
        [
            "destination", "--data", folder.CreateFolder("data"), "--state-dir", folder["destination"], "--listen", listen, "--health-addr", $"127.0.0.1:{health}",
            "--qb-url", $"http://127.0.0.1:{FreePorts.Take()}", "--qb-username", "admin", "--qb-password-file", password,
            "--security", "token", "--peer-token-file", token, "--tls-cert-file", certificate, "--tls-key-file", key, "--log-level", "trace",
        ];
        string[] sourceOptions =
        [
            "source", "--data", folder.CreateFolder("source-data"), "--client", "folder", "--client-dir", folder.CreateFolder("torrents"), "--destination-addr", listen,
            "--security", "token", "--tls-ca-file", certificate, "--log-level", "trace", "--reconnect-max-delay", "1s", "--min-space", "0",
        ];
        await using var destination = QbSyncProcess.Start(destinationOptions);
        await using var source = QbSyncProcess.Start(
            [.. sourceOptions, "--state-dir", folder["source"], "--health-addr", $"127.0.0.1:{sourceHealth}"], Environment("QBSYNC_SOURCE_PEER_TOKEN_FILE", token));
        await using var stranger = QbSyncProcess.Start(
            [.. sourceOptions, "--state-dir", folder["stranger"], "--health-addr", ""], Environment("QBSYNC_SOURCE_PEER_TOKEN", WrongToken));
        await using var twice = QbSyncProcess.Start([.. sourceOptions, "--state-dir", folder["twice"]], new Dictionary<string, string>
        {
            ["QBSYNC_SOURCE_PEER_TOKEN"] = Token,
            ["QBSYNC_SOURCE_PEER_TOKEN_FILE"] = wrong,
        });

        // A sync that works, a client that fails, a stranger that is refused, an option that is refused: all at the lowest level.
        Assert.That(await twice.WaitForExitAsync(), Is.EqualTo(2), twice.Output);
        await Eventually.BecomesTrueAsync(() => source.Output.Contains("The destination answers", StringComparison.Ordinal));
        await Eventually.BecomesTrueAsync(() => stranger.Output.Contains("is parked", StringComparison.Ordinal));
        await Eventually.BecomesTrueAsync(() => destination.Output.Contains("ClientWatch", StringComparison.Ordinal));
        Keep(await ReadAsync(health), await ReadAsync(sourceHealth), ReadCommandLines());

        await using var printed = QbSyncProcess.Start([.. destinationOptions, "--print-config"]);
        Assert.That(await printed.WaitForExitAsync(), Is.Zero, printed.Output);
        Assert.That(await stranger.TerminateAsync(), Is.Zero, stranger.Output);
        Assert.That(await source.TerminateAsync(), Is.Zero, source.Output);
        Assert.That(await destination.TerminateAsync(), Is.Zero, destination.Output);
        Keep(destination.Output, source.Output, stranger.Output, twice.Output, printed.Output);
        foreach (var state in (string[])["destination", "source", "stranger"])
        {
            Keep([.. Directory.GetFiles(folder[state], "*", SearchOption.AllDirectories).Select(static file => Encoding.Latin1.GetString(File.ReadAllBytes(file)))]);
        }

        Assert.That(_shown.Sum(static text => text.Length), Is.GreaterThan(10_000), "there was something to look at");
        var secrets = (string[])[Token, WrongToken, Password, .. File.ReadLines(key).Where(static line => line.Length > 32)];
        foreach (var secret in secrets)
        {
            Assert.That(_shown.Where(text => text.Contains(secret, StringComparison.Ordinal)).Select(text => Around(text, secret)), Is.Empty);
        }
    }

    private void Keep(params string[] texts) => _shown.AddRange(texts);

    private static async Task<string> ReadAsync(int port)
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        var text = new StringBuilder();
        foreach (var path in (string[])["/metrics", "/healthz", "/livez", "/readyz", "/"])
        {
            using var answer = await http.GetAsync(path);
            text.Append(answer).Append(await answer.Content.ReadAsStringAsync());
        }

        return text.ToString();
    }

    /// <summary>What <c>ps</c> shows of every process of this machine that is ours.</summary>
    private static string ReadCommandLines()
    {
        var text = new StringBuilder();
        foreach (var file in Directory.GetDirectories("/proc").Select(static process => Path.Combine(process, "cmdline")).Where(File.Exists))
        {
            try
            {
                var line = File.ReadAllText(file);
                text.AppendLine(line.Contains("qbsync.dll", StringComparison.Ordinal) ? line : "");
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // It ended.
            }
        }

        return text.ToString();
    }

    private static Dictionary<string, string> Environment(string name, string value) => new() { [name] = value };

    private static string Around(string text, string secret) =>
        text.IndexOf(secret, StringComparison.Ordinal) is var at ? text[Math.Max(0, at - 200)..Math.Min(text.Length, at + secret.Length)] : "";

    private static string Write(TempDirectory folder, string name, string secret)
    {
        File.WriteAllText(folder[name], secret + "\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(folder[name], UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        return folder[name];
    }

    private static (string Certificate, string Key) WriteCertificate(TempDirectory folder)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=canary", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(2));
        File.WriteAllText(folder["certificate.pem"], certificate.ExportCertificatePem());
        return (folder["certificate.pem"], Write(folder, "key.pem", key.ExportPkcs8PrivateKeyPem()));
    }
}
