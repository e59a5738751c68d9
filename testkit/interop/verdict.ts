/** What came of one comparison. */
export interface Verdict {
  readonly name: string
  readonly same: boolean
  readonly detail: string
}

/** Comparisons of one kind, told as they are made. @param folder an empty one, removed afterwards */
export type Suite = (folder: string) => AsyncIterable<Verdict>

/** Prints verdicts as they come, and counts them. */
export async function tally(name: string, verdicts: AsyncIterable<Verdict>) {
  let [passed, failed] = [0, 0]
  for await (const verdict of verdicts) {
    process.stdout.write(
      `${verdict.same ? 'same' : 'DIFFERENT'}  ${name}, ${verdict.name}: ${verdict.detail}\n`,
    )
    if (verdict.same) passed += 1
    else failed += 1
  }
  return { passed, failed }
}
