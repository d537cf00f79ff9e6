/*
 * Task: xterm.js as a terminal, for the tests with replay_terminals.py. Argument: the folder that has
 * node_modules/@xterm/headless.
 *
 * Input and output are those of replay_vterm.c, of which there is SCREEN only.
 */
'use strict';

const path = require('path');
const { Terminal } = require(path.resolve(process.argv[2], 'node_modules/@xterm/headless'));

const ROWS = 24, COLUMNS = 80;

// As replay_vterm.c, with what it does not know behind; underlined, blinking, reverse and struck out
// are what a blank shows.
function attributes(cell) {
	const flags = [cell.isBold(), cell.isUnderline(), cell.isItalic(), cell.isBlink(),
		cell.isInverse(), cell.isStrikethrough(), cell.isDim(), cell.isInvisible(),
		cell.isOverline()].map((flag) => (flag ? 1 : 0)).join('');

	return `${flags},${cell.getFgColorMode()}:${cell.getFgColor()},` +
		`${cell.getBgColorMode()}:${cell.getBgColor()}`;
}

function row(buffer, y) {
	const line = buffer.getLine(buffer.baseY + y);
	let out = '', before = null;

	for (let x = 0; x < COLUMNS; x++) {
		const cell = line.getCell(x);
		const now = attributes(cell);

		if (cell.getWidth() === 0)
			continue; // the second half of a wide character
		if (now !== before)
			out += `\x1b${now};`;
		before = now;
		out += cell.getChars() || ' ';
	}
	return out + '\n';
}

function show(bytes, done) {
	const terminal = new Terminal({ rows: ROWS, cols: COLUMNS, scrollback: 0,
		allowProposedApi: true });
	let typed = '';

	terminal.onData((text) => { typed += Buffer.from(text, 'utf8').toString('hex'); });
	terminal.onBinary((text) => { typed += Buffer.from(text, 'latin1').toString('hex'); });
	terminal.write(bytes, () => {
		const buffer = terminal.buffer.active;
		let screen = `${typed}\n${buffer.cursorX},${buffer.cursorY}\n`;

		for (let y = 0; y < ROWS; y++)
			screen += row(buffer, y);
		terminal.dispose();
		done(Buffer.from(screen, 'utf8'));
	});
}

let input = Buffer.alloc(0), busy = false, ended = false;

// The next frame, if it is there as a whole.
function take() {
	const end = input.indexOf('\n');

	if (busy || end < 0)
		return;
	const length = Number(input.toString('latin1', 0, end).split(' ')[1]);

	if (input.length < end + 1 + length)
		return;
	const bytes = Buffer.from(input.subarray(end + 1, end + 1 + length));

	input = input.subarray(end + 1 + length);
	busy = true;
	show(bytes, (screen) => {
		process.stdout.write(`${screen.length}\n`);
		process.stdout.write(screen, () => {
			busy = false;
			if (ended && !input.length)
				process.exit(0);
			take();
		});
	});
}

process.stdin.on('data', (more) => {
	input = Buffer.concat([input, more]);
	take();
});
process.stdin.on('end', () => {
	ended = true;
	if (!busy)
		process.exit(0);
});
