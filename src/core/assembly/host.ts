/** What the core asks of its host, in TypeScript. */

/** Sends what is pending for a node, as far as the socket takes it. */
export declare function send(node: i32): void;
/** The owner of the name `[start, end)`, where the core cannot tell. */
export declare function locate(start: usize, end: usize, hash: u32): i32;
/** Shows a line and its owner to whoever wants to see it. */
export declare function seen(start: usize, end: usize, verdict: i32, owner: i32): void;
