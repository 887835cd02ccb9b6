'use strict';
(() => {
  const find = id => document.getElementById(id);
  const put = (id, text) => { const at = find(id); if (at && at.textContent !== text) at.textContent = text; };
  const dash = '–', units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
  const bytes = value => {
    if (value == null) return dash;
    let unit = 0;
    while (value >= 1024 && unit < units.length - 1) { value /= 1024; unit++; }
    return `${unit === 0 || value >= 100 ? Math.floor(value) : Math.floor(value * 10) / 10} ${units[unit]}`;
  };
  const rate = value => value == null ? dash : `${bytes(value)}/s`;
  const two = value => String(Math.floor(value)).padStart(2, '0');
  const time = s => s == null ? dash : s < 60 ? `${s} s` : s < 3600 ? `${Math.floor(s / 60)} min ${two(s % 60)} s`
    : s < 86400 ? `${Math.floor(s / 3600)} h ${two(s / 60 % 60)} min` : `${Math.floor(s / 86400)} d ${two(s / 3600 % 24)} h`;
  const percent = (done, all) => done == null || !all ? null : Math.floor(Math.max(0, Math.min(100 * done / all, done >= all ? 100 : 99)));
  const clock = at => new Date(at).toLocaleTimeString();
  const word = reason => find('words').getAttribute(`data-${reason}`) || reason;
  const made = (tag, text, kind) => { const at = document.createElement(tag); at.textContent = text; if (kind) at.className = kind; return at; };

  // The server wrote the first rows; from then on they are kept by hash.
  const list = find('torrents'), rows = new Map();
  for (const item of list.children) rows.set(item.dataset.hash, item);

  const fill = (item, row) => {
    const part = name => item.querySelector(`[data-f=${name}]`);
    const set = (name, text) => { const at = part(name); if (at.textContent !== text) at.textContent = text; };
    const share = percent(row.bytesDone, row.bytes), bar = part('bar');
    set('name', row.name);
    set('state', row.state);
    if (share == null) bar.removeAttribute('value'); else bar.value = share;
    bar.setAttribute('aria-label', row.name);
    set('percent', share == null ? dash : `${share} %`);
    set('pieces', row.pieces == null ? 'pieces not known' : `${row.piecesDone} of ${row.pieces} pieces`);
    set('bytes', row.bytes == null ? dash : `${bytes(row.bytesDone)} of ${bytes(row.bytes)}`);
    set('rate', row.rate ? rate(row.rate) : '');
    set('eta', row.etaSeconds == null ? '' : `${time(row.etaSeconds)} left`);
    set('why', row.error ? `Failed: ${row.error}` : row.waitingFor === 'none' ? '' : `Waits for ${word(row.waitingFor)}${row.reason ? `: ${row.reason}` : ''}`);
    part('why').className = row.error ? 'why bad' : 'why';
  };

  const place = row => {
    let item = rows.get(row.hash);
    const was = item && item.dataset.finished;
    if (!item) {
      item = find('row').content.firstElementChild.cloneNode(true);
      item.dataset.hash = row.hash;
      rows.set(row.hash, item);
    }
    fill(item, row);
    item.dataset.finished = row.finished;
    // What is under way stands first; what became whole, or is new, finds its place among its own.
    if (!item.parentNode || was !== item.dataset.finished) {
      item.remove();
      list.insertBefore(item, list.querySelector('[data-finished=true]'));
    }
  };

  const replace = (id, items) => find(id).replaceChildren(...items);
  let spoken = 0;
  const summary = now => {
    put('state', now.state);
    find('problem').hidden = !now.problem;
    put('problem', now.problem || '');
    put('rate', rate(now.throughput.now));
    const samples = now.throughput.samples, known = samples.filter(one => one != null), most = Math.max(1, ...known);
    find('spark').setAttribute('points', samples.map((one, i) => `${i + 120 - samples.length},${(29 - 28 * (one || 0) / most).toFixed(1)}`).join(' '));
    put('spark-text', known.length ? `last ${samples.length} s: least ${rate(Math.min(...known))}, most ${rate(Math.max(...known))}` : 'nothing measured yet');
    put('pending', String(now.totals.pending));
    put('eta', now.totals.pending === 0 ? 'nothing to do' : `${bytes(now.totals.bytesDone)} of ${bytes(now.totals.bytes)}, ${time(now.totals.etaSeconds)} left`);
    put('finished', `${now.totals.finished} of ${now.totals.torrents}`);
    put('failed', now.totals.failed ? `at the destination; ${now.totals.failed} failed` : 'at the destination');
    put('free', bytes(now.space.free));
    put('min', now.space.min == null ? 'no limit' : `${bytes(now.space.min)} must stay free`);
    if (now.safeToDelete) {
      const count = now.safeToDelete.torrents;
      put('safe', bytes(now.safeToDelete.bytes));
      put('safe-text', `${count == null ? '' : `${count} ${count === 1 ? 'torrent' : 'torrents'}, `}whole at the destination`);
    }
    if (now.client) {
      put('client', now.client.version || 'not known yet');
      put('client-state', now.client.ok == null ? 'not asked yet' : now.client.ok ? 'answers' : 'does not answer');
    }
    if (now.peers && !now.safeToDelete) {
      put('peer', `${now.peers.filter(peer => peer.ok).length} connected`);
      put('peer-state', now.peers.map(peer => `${peer.name}${peer.ok ? '' : ' (away)'}`).join(', '));
    } else if (now.peers) for (const peer of now.peers) {
      put('peer', `${peer.connections.length} connections, ${peer.streams ?? 0} streams`);
      put('peer-state', `${peer.address} ${peer.ok == null ? 'not asked yet' : peer.ok ? 'answers' : 'does not answer'}`);
    }
    replace('waiting', now.waiting.length === 0 ? [made('li', 'Nothing waits.', 'quiet')] : now.waiting.map(one => {
      const item = document.createElement('li');
      item.append(made('span', `${one.count} for ${word(one.reason)}`), made('span', `oldest ${time(one.oldestSeconds)}`, 'quiet'));
      return item;
    }));
    replace('recent', now.recent.length === 0 ? [made('li', 'Nothing yet.', 'quiet')] : now.recent.slice(0, 10).map(one => {
      const item = document.createElement('li');
      item.append(made('span', one.name, 'name'), made('span', `${one.what} ${clock(one.at)}`, 'quiet'));
      return item;
    }));
    put('more', now.more ? `and ${now.more} more` : list.children.length ? '' : 'There are no torrents yet.');
    find('at').dateTime = now.at;
    put('at', clock(now.at));
    if (Date.now() - spoken > 10000) {
      spoken = Date.now();
      put('spoken', `${now.totals.pending} under way, ${rate(now.throughput.now)}`);
    }
  };

  let seen = Date.now();
  const alive = () => { seen = Date.now(); find('lost').hidden = true; };
  const events = new EventSource('/api/v1/events');
  const on = (name, act) => events.addEventListener(name, event => { alive(); act(JSON.parse(event.data)); });
  on('status', now => {
    const here = new Set(now.torrents.map(row => row.hash));
    for (const [hash, item] of rows) if (!here.has(hash)) { item.remove(); rows.delete(hash); }
    now.torrents.forEach(place);
    summary(now);
  });
  on('torrent', place);
  on('gone', gone => { const item = rows.get(gone.hash); if (item) { item.remove(); rows.delete(gone.hash); } });
  on('summary', summary);
  setInterval(() => {
    if (Date.now() - seen > 5000) {
      put('lost', `Connection lost, last seen ${clock(seen)}. Trying again.`);
      find('lost').hidden = false;
    }
  }, 1000);
})();
