/** A refusal of an action: its status, and the error of the envelope. */
export class CkanRefusal extends Error {
  constructor(
    readonly status: number,
    readonly said: Readonly<Record<string, unknown>>,
  ) {
    super(String(said.__type))
  }
}
