using QbSync.Ports;
using QbSync.Testing.Specifications;
using QbSync.Testing.Torrents;
using QbSync.Testing.Waiting;

namespace QbSync.QBittorrent.Tests.Real;

/// <summary>What reaches a real client of what we send, letter by letter.</summary>
[Category("Real"), Parallelizable]
internal sealed class FormTests
{
    private readonly WireWatch _wire = new();
    private RealClient _real = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _real = await RealClient.StartAsync(requireLogin: true, wrap: handler =>
    {
        _wire.InnerHandler = handler;
        return _wire;
    });

    [OneTimeTearDown]
    public async Task EndAsync() => await _real.DisposeAsync();

    [Test, ClientCase(13)]
    public async Task NamesOfEveryAlphabet_AreStoredExactly_AndEachFormHasItsLength()
    {
        const string Category = "films é/4k 🎬 & = + %20", Tag = "ü & = % + 🎬";
        var torrent = new TorrentBuilder("Ünïcödé 目录 🎬 & = + %20") { Seed = 500, PieceLength = 16 * 1024 }
            .AddFile("文件 [x] 'q' \"d\" 🎬.bin", 20_000).AddFile("föld er/ß&b=%41+.bin", 30_000).Build();
        var folder = Directory.CreateDirectory(Path.Combine(_real.Instance.SavePath, "päth 🎬 & = + %20 目录")).FullName;
        torrent.WriteContent(folder);
        await _real.Client.EnsureCategoryAsync(Category, default);
        await _real.Client.AddAsync(new AddTorrentRequest { Torrent = torrent.Bytes, SavePath = folder, Category = Category, Tags = [Tag], SkipCheck = true }, default);
        var status = await _real.BecomesAsync(torrent, static status => status.IsComplete && status.IsStopped);
        await _real.Client.AddTagsAsync([status.Id], [Tag, "zwei"], default);
        status = await _real.BecomesAsync(torrent, static status => status.Tags.Contains("zwei"));
        Assert.That((status.Name, status.Category, status.SavePath.TrimEnd('/')), Is.EqualTo((torrent.Name, Category, folder)));
        Assert.That(status.Tags, Is.EquivalentTo(new[] { Tag, "zwei" }));
        Assert.That((await _real.Client.GetFilesAsync(status.Id, default)).Select(static file => file.Path), Is.EqualTo(torrent.Files.Select(static file => string.Join('/', file.Path))));

        var elsewhere = Path.Combine(_real.Instance.SavePath, "öther & = 🎬");
        await _real.Client.SetLocationAsync([status.Id], elsewhere, default);
        await _real.BecomesAsync(torrent, status => status.SavePath.TrimEnd('/') == elsewhere && status.IsStopped);
        await Eventually.BecomesTrueAsync(() => torrent.FindDifference(elsewhere) is null);
        AssertWire();
    }

    [Test, ClientCase(13)]
    public async Task AnEmptyForm_IsTaken()
    {
        await _real.Api.GetVersionAsync(default);
        var logins = _real.Metric("qbsync_qb_api_calls_total", "Login");
        await _real.Api.LogoutAsync(default);
        await _real.Api.GetVersionAsync(default);
        Assert.That(_real.Metric("qbsync_qb_api_calls_total", "Login"), Is.EqualTo(logins + 1), "the logout took effect");

        // An empty value is a value: the category goes.
        var torrent = new TorrentBuilder("empty values.bin") { Seed = 501 }.Build();
        await _real.Client.EnsureCategoryAsync("gone soon", default);
        var status = await _real.SeedAsync(torrent, static request => request with { Category = "gone soon" });
        Assert.That(status.Category, Is.EqualTo("gone soon"));
        await _real.Client.SetCategoryAsync([status.Id], "", default);
        await _real.BecomesAsync(torrent, static status => status.Category.Length == 0);
        AssertWire();
    }

    private void AssertWire()
    {
        Assert.That(_wire.Posts, Is.GreaterThan(0));
        Assert.That(_wire.Faults, Is.Empty);
    }

    private sealed class WireWatch : DelegatingHandler
    {
        public int Posts { get; private set; }

        public List<string> Faults { get; } = [];

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var response = await base.SendAsync(request, cancellationToken);
            if (request.Method == HttpMethod.Post)
            {
                Posts++;
                if (request.Content?.Headers.ContentLength is null || request.Headers.TransferEncodingChunked == true)
                {
                    Faults.Add($"{request.RequestUri!.AbsolutePath} has no body of known length");
                }
            }

            if (request.Headers.Contains("Expect") || request.Headers.Contains("Origin") || request.Headers.Contains("Referer"))
            {
                Faults.Add($"{request.RequestUri!.AbsolutePath}: {request.Headers}");
            }

            return response;
        }
    }
}
