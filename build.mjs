// Builds dist/: the programs, and the WebAssembly that lays rows out. Both at a time, as `npm start` waits for it.
import { spawn } from 'node:child_process'

const STEPS = ['build:programs', 'build:wasm']

const codes = await Promise.all(STEPS.map(run))
process.exitCode = Math.max(...codes)

/** @returns exit code of a script of package.json; 1 when it was killed */
function run(step) {
  return new Promise((resolve, reject) => {
    const child = spawn('npm', ['run', '--silent', step], { stdio: 'inherit', shell: process.platform === 'win32' })
    child.on('error', reject)
    child.on('exit', (code) => resolve(code ?? 1))
  })
}
