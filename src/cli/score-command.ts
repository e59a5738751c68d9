import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Floors, type UnderFloor, underFloors } from '../demo/score/floors.js'
import { printScore } from '../demo/score/print-score.js'
import { readTruth } from '../demo/score/read-truth.js'
import { renderScorePage } from '../demo/score/score-page.js'
import { scoreServer } from '../demo/score/score-server.js'
import { WardbookError } from '../kernel/errors.js'
import type { Output } from './output.js'
import type { CommonOptions } from './program.js'

/** Flags of `wardbook demo score`. */
export interface ScoreOptions extends CommonOptions {
  readonly url: string
  readonly truth: string
  readonly html?: string
  readonly failUnder?: Floors
}

/** A figure is under its floor: nothing went wrong, so none of the codes of sysexits. */
const EXIT_UNDER_FLOOR = 1

/** `wardbook demo score`: what a server found, against what is true of its city. @returns 0, or 1 under a floor */
export async function runScore(options: ScoreOptions, output: Output): Promise<number> {
  const { url, truth: file, html, failUnder = {} } = options
  const truth = await readTruth(file)
  const score = await scoreServer(truth, url, fetch)
  output.result(printScore(score), { score })
  if (html !== undefined) {
    await writePage(html, renderScorePage(score))
    output.note(`page: ${html}`)
  }
  const under = underFloors(score, failUnder)
  if (under.length > 0) output.result(`\n${under.map(underWords).join('\n')}`, { underFloors: under })
  return under.length === 0 ? 0 : EXIT_UNDER_FLOOR
}

function underWords({ figure, share, floor }: UnderFloor): string {
  const value = share === null ? 'nothing to measure' : String(share)
  return `under the floor: ${figure} is ${value}, at least ${floor} was asked for`
}

async function writePage(file: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    const message = `the page cannot be written: ${why}; name another file with --html`
    throw new WardbookError('page-not-written', 'fix-config', message, { file }, { cause })
  }
}
