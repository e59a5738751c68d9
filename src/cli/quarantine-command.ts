import { exitCodeOf } from '../kernel/errors.js'
import { readRawTexts } from '../main/corrections-file.js'
import { defaultLake, replayEmbedded } from '../main/embedded.js'
import { forgetDecisions, type KeptDecision } from '../main/forget-decisions.js'
import { listQuarantine } from '../main/list-quarantine.js'
import { cityFolderOf, loadCity, loadCityWithoutMaps } from '../main/load-city.js'
import type { Output } from './output.js'
import type { RunOptions } from './program.js'

/** Flags of `quarantine list`, `quarantine replay` and `quarantine forget`. */
export interface QuarantineOptions extends RunOptions {
  readonly rows?: number
  readonly corrections?: string
  readonly texts?: string
  readonly all?: boolean
}

/** Characters of a raw text that people see; programs get all of it. */
const SHOWN_CHARACTERS = 200

/** `wardbook quarantine list`. @param names `<dataset>/<source>` each; none means all. @returns the exit code */
export async function runQuarantineList(
  file: string,
  names: readonly string[],
  options: QuarantineOptions,
  output: Output,
): Promise<number> {
  const city = await loadCityWithoutMaps(file)
  const { lake = defaultLake(city), rows = 0 } = options
  const all = await listQuarantine({ city, lake, names, rows }, async (group) => {
    const { stage, dataset, source, reason, count, example } = group
    const place = { stage, dataset, source }
    const what = `${count} ${count === 1 ? 'row' : 'rows'}, ${reason}`
    output.result(`${stage.padEnd(9)}  ${dataset}/${source}: ${what}; e.g. ${said(example)}`, {
      ...{ ...place, reason, count, example },
    })
    for await (const row of group.rows()) output.result(`  ${said(row)}`, { ...place, ...row })
  })
  if (all === 0) output.note('no row is in quarantine')
  return 0
}

function said({
  file,
  line,
  byte,
  detail,
  raw_text: text,
}: {
  file: string | null
  line: number | null
  byte: number | null
  detail: string | null
  raw_text: string
}): string {
  const places = [file, line === null ? null : `line ${line}`, byte === null ? null : `byte ${byte}`]
  const where = places.filter((place) => place !== null).join(', ')
  return `${where === '' ? '' : `${where}: `}${detail ?? ''}\n    ${shortened(text)}`
}

/** `wardbook quarantine replay`. @param name `<dataset>/<source>`. @returns the exit code */
export async function runQuarantineReplay(
  file: string,
  name: string,
  options: QuarantineOptions,
  output: Output,
): Promise<number> {
  const city = await loadCity(file)
  const { lake = defaultLake(city), mirror, singleWriter, corrections } = options
  const settings = { city, lake, mirror, singleWriter, cityFolder: cityFolderOf(file), report: output.step }
  const { failures, ...counts } = await replayEmbedded(settings, name, corrections)
  const { decided, known, before, after } = counts
  const kept = `${decided} new corrections kept, ${known} known`
  output.result(`${name}: ${kept}; ${before} rows could not be read before, ${after} now`, {
    replayed: { name, ...counts },
  })
  for (const { stage, dataset, error } of failures) output.error(error, { stage, dataset })
  return failures[0] === undefined ? 0 : exitCodeOf(failures[0].error.remedy)
}

/** `wardbook quarantine forget`: decisions go for good. @param name `<dataset>/<source>`. @returns the exit code */
export async function runQuarantineForget(
  file: string,
  name: string,
  options: QuarantineOptions,
  output: Output,
): Promise<number> {
  const city = await loadCityWithoutMaps(file)
  const { lake = defaultLake(city), dryRun = false } = options
  const texts = options.texts === undefined ? undefined : await readRawTexts(options.texts)
  const place = nameParts(name)
  const forgotten = await forgetDecisions({ city, lake, name, texts, dryRun }, (kept) =>
    output.result(decisionLine(kept), { ...place, ...decisionFacts(kept) }),
  )
  const { decisions, unknown } = forgotten
  const strangers = unknown === 0 ? '' : `; about ${unknown} of the texts nothing was decided`
  const done = dryRun ? 'would be forgotten (nothing was removed)' : 'forgotten'
  output.result(`${name}: ${decisions} ${decisions === 1 ? 'decision' : 'decisions'} ${done}${strangers}`, {
    forgotten: { name, dryRun, ...forgotten },
  })
  if (decisions > 0 && !dryRun)
    output.note(`their rows go back to quarantine with: wardbook quarantine replay ${file} ${name}`)
  return 0
}

function nameParts(name: string) {
  const [dataset, source] = name.split('/')
  return { dataset, source }
}

function decisionLine({ id, decision, keys }: KeptDecision): string {
  const times = keys.length === 1 ? '' : ` (decided ${keys.length} times)`
  if (decision === undefined) return `  ${id}: no decision that can be read${times}`
  const { decidedAt, rawText, correctedText } = decision
  return `  ${decidedAt}${times}: ${shortened(rawText)} became ${shortened(correctedText)}`
}

/** As lines of a file of corrections. */
function decisionFacts({ id, decision, keys }: KeptDecision): Record<string, unknown> {
  const { decidedAt, rawText, correctedText } = decision ?? {}
  return { id, decided_at: decidedAt, raw_text: rawText, corrected_text: correctedText, objects: keys.length }
}

function shortened(text: string): string {
  return JSON.stringify(
    text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS).toWellFormed()}…` : text,
  )
}
