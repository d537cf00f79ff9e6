// npm's ssh2.
const fs = require('fs');
const { Client } = require('ssh2');
const env = process.env;

const connection = (username) => new Promise((done, failed) => {
  const client = new Client();
  client.on('ready', () => done(client)).on('error', failed).connect({
    host: '127.0.0.1', port: env.VMC_PORT, username, privateKey: fs.readFileSync(env.VMC_KEY),
    readyTimeout: 240000,
  });
});

const ended = (stream) => new Promise((done) => stream.on('exit', done).resume());

const status = (client, verb) => new Promise((done, failed) => {
  client.exec(verb, (error, stream) => (error ? failed(error) : done(ended(stream))));
});

const converse = (client) => new Promise((done, failed) => {
  client.exec('attach --lines 0', { env: { LANG: 'C' }, pty: true }, (error, stream) => {
    if (error) return failed(error);
    let seen = '', asked = false, answer;
    stream.on('data', (more) => {
      seen += more;
      if (!asked && seen.includes('you have the keyboard')) {
        asked = true;
        stream.write('say hello ssh2\r');
      }
      if (!answer && (answer = /\n(hello \w+)\r\n/.exec(seen))) {
        console.log('console:', answer[1]);
        stream.write('\x1d.');
      }
    });
    return done(ended(stream));
  });
});

(async () => {
  const client = await connection(env.VMC_VM), other = await connection('nobody');
  console.log('wait:', await status(client, "wait --timeout 1 'nothing like this'"));
  console.log('unknown VM:', await status(other, 'status'));
  console.log('end:', await converse(client));
  console.log('panic:', await status(client, 'send --enter --wait never panic'));
  client.end();
  other.end();
})();
