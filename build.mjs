// Builds dist/: the programs, and the WebAssembly that lays rows out. Both at a time, as whoever installs waits for it.
// With --stale only where a source is newer than what was built: `npm ci` has built, and `npm start` need not.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const STEPS = ['build:programs', 'build:wasm']
const SOURCES = ['src', 'wasm', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'build.mjs']
const BUILT = join('dist', '.built')

if (!process.argv.includes('--stale') || isStale()) {
  const codes = await Promise.all(STEPS.map(run))
  process.exitCode = Math.max(...codes)
  if (process.exitCode === 0) writeFileSync(BUILT, '')
}

function isStale() {
  return !existsSync(BUILT) || Math.max(...SOURCES.map(newestOf)) > statSync(BUILT).mtimeMs
}

/** When a file, or the newest of a folder, last changed; a file that was removed changed its folder. */
function newestOf(path) {
  const { mtimeMs } = statSync(path)
  if (!statSync(path).isDirectory()) return mtimeMs
  return Math.max(mtimeMs, ...readdirSync(path).map((name) => newestOf(join(path, name))))
}

/** @returns exit code of a script of package.json; 1 when it was killed */
function run(step) {
  return new Promise((resolve, reject) => {
    const child = spawn('npm', ['run', '--silent', step], { stdio: 'inherit', shell: process.platform === 'win32' })
    child.on('error', reject)
    child.on('exit', (code) => resolve(code ?? 1))
  })
}
