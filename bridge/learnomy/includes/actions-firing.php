<?php
/**
 * The firing of one outbox row, from the claim to its end, and what happens when a listener ends the process.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * One row being fired.
 */
final class Firing {

	/**
	 * The row.
	 *
	 * @var array
	 */
	private $row;

	/**
	 * The outbox it is in.
	 *
	 * @var Outbox
	 */
	private $outbox;

	/**
	 * Index at which this firing resumes.
	 *
	 * @var int
	 */
	private $from;

	/**
	 * Index of the next listener: the running one's while it runs.
	 *
	 * @var int
	 */
	private $cursor;

	/**
	 * Index of the listener that was running when another process died, or -1.
	 *
	 * @var int
	 */
	private $died_at = -1;

	/**
	 * What happened, one line each.
	 *
	 * @var string[]
	 */
	private $notes = array();

	/**
	 * The listener that is running.
	 *
	 * @var Guarded_Listener|null
	 */
	private $listener;

	/**
	 * The guard of the hook.
	 *
	 * @var Listener_Guard|null
	 */
	private $guard;

	/**
	 * Whether the claim was lost to another process.
	 *
	 * @var bool
	 */
	private $lost = false;

	/**
	 * Core's stack of running hooks before the firing.
	 *
	 * @var string[]
	 */
	private $hooks_running = array();

	/**
	 * The headers of the answer before the firing.
	 *
	 * @var Sent_Headers
	 */
	private $headers;

	/**
	 * Takes a claimed row.
	 *
	 * @param array  $row    Row of lrn_outbox.
	 * @param Outbox $outbox Its table.
	 */
	public function __construct( array $row, Outbox $outbox ) {
		$this->row    = $row;
		$this->outbox = $outbox;
		$this->from   = (int) $row['cursor_position'];
		$this->cursor = $this->from;
		foreach ( array_filter( explode( "\n", (string) $row['note'] ), 'strlen' ) as $line ) {
			if ( 1 === preg_match( '/^running (\d+) /', $line, $match ) ) {
				$this->died_at = (int) $match[1];
			} else {
				$this->notes[] = $line;
			}
		}
	}

	/**
	 * Fires the row.
	 *
	 * @return string done, skipped, or failed where another process holds it.
	 */
	public function run(): string {
		if ( ! $this->outbox->begin( $this->id(), $this->token() ) ) {
			return 'failed';
		}
		$visitor       = get_current_user_id();
		$this->headers = new Sent_Headers();
		Models\Model::forget();
		if ( 0 === strpos( (string) $this->row['event'], 'course.' ) ) {
			Fragment_Cache::touch( array( '*' ) );
		}
		Actions_Relay::enter( $this );
		$this->become( (int) $this->row['actor_id'] );
		$state = 'effect' === $this->row['kind'] ? $this->perform() : $this->announce();
		$this->become( $visitor );
		Actions_Relay::leave( $this );
		$this->restore_headers();
		if ( $this->lost ) {
			return 'failed';
		}
		return $this->outbox->finish( $this->id(), $this->token(), $state, $this->note() ) ? $state : 'failed';
	}

	/**
	 * Makes a user the current one: listeners run as whoever caused the event, whichever process fires it.
	 *
	 * @param int $user_id User.
	 */
	private function become( int $user_id ): void {
		if ( get_current_user_id() === $user_id ) {
			return;
		}
		try {
			wp_set_current_user( $user_id );
		} catch ( \Throwable $error ) {
			$this->notes[] = 'threw on set_current_user: ' . self::line( $error );
		}
	}

	/**
	 * Runs the action's listeners.
	 *
	 * @return string State.
	 */
	private function announce(): string {
		$args = self::arguments( (string) $this->row['args'] );
		if ( null === $args || ! Record_Scan::is_fired( (string) $this->row['hook'] ) ) {
			$this->notes[] = 'unreadable';
			return 'skipped';
		}
		$this->fire( $args );
		// A row with a listener that was left out is kept apart, so that the owner is told.
		return preg_grep( '/^skipped /', $this->notes ) ? 'skipped' : 'done';
	}

	/**
	 * Fires the hook; where a callback on the hook `all` throws, once more without those, from the same listener on.
	 *
	 * @param array $args Arguments.
	 */
	private function fire( array $args ): void {
		global $wp_filter, $wp_current_filter;
		$this->hooks_running = (array) $wp_current_filter;
		$this->guard         = new Listener_Guard( (string) $this->row['hook'], array( $this, 'before_listener' ), array( $this, 'after_listener' ) );
		try {
			$this->guard->fire( $args );
		} catch ( \Throwable $error ) {
			$wp_current_filter = $this->hooks_running; // phpcs:ignore WordPress.WP.GlobalVariablesOverride -- What do_action() left when it was cut short.
			$this->notes[]     = 'threw on all: ' . self::line( $error );
			$this->from        = $this->cursor;
			$all               = $wp_filter['all'] ?? null;
			unset( $wp_filter['all'] );
			$this->guard = new Listener_Guard( (string) $this->row['hook'], array( $this, 'before_listener' ), array( $this, 'after_listener' ) );
			$this->guard->fire( $args );
			if ( null !== $all ) {
				$wp_filter['all'] = $all; // phpcs:ignore WordPress.WP.GlobalVariablesOverride -- Put back as it was.
			}
		}
	}

	/**
	 * Performs a change of WordPress's own that belongs to this row.
	 *
	 * @return string State.
	 */
	private function perform(): string {
		$effect = (array) json_decode( (string) $this->row['payload'], true ) + array( 'kind' => (string) $this->row['event'] );
		try {
			$result = Effects::perform( array( $effect ) );
		} catch ( \Throwable $error ) {
			$result = new \WP_Error( 'threw', self::line( $error ) );
		}
		if ( is_wp_error( $result ) ) {
			$this->notes[] = 'refused ' . $result->get_error_code() . ': ' . $result->get_error_message();
			return 'skipped';
		}
		return 'done';
	}

	/**
	 * Whether a listener runs: writes the cursor first, and leaves out one that ended two processes.
	 *
	 * @param Guarded_Listener $listener Listener.
	 * @return bool
	 */
	public function before_listener( Guarded_Listener $listener ): bool {
		$index = $listener->index;
		if ( $this->lost || ( $index >= 0 && $index < $this->from ) ) {
			return false;
		}
		if ( $index >= 0 ) {
			$this->cursor = $index;
			if ( $index === $this->died_at && ! $this->may_repeat( $listener ) ) {
				++$this->cursor;
				return false;
			}
		}
		$running = $index >= 0 ? 'running ' . $index . ' ' . $listener->name() : '';
		if ( ! $this->outbox->step( $this->id(), $this->token(), $this->cursor, $this->note( $running ) ) ) {
			$this->lost = true;
			return false;
		}
		$this->listener = $listener;
		return true;
	}

	/**
	 * Whether a listener that ran when a process died may run again: once.
	 *
	 * @param Guarded_Listener $listener Listener.
	 * @return bool
	 */
	private function may_repeat( Guarded_Listener $listener ): bool {
		$line = 'repeated ' . $listener->index . ' ' . $listener->name();
		if ( in_array( $line, $this->notes, true ) ) {
			$this->notes[] = 'skipped ' . $listener->name();
			return false;
		}
		$this->notes[] = $line;
		return true;
	}

	/**
	 * Moves on behind a listener, and notes what it threw.
	 *
	 * @param Guarded_Listener $listener Listener.
	 * @param \Throwable|null  $thrown   What it threw.
	 */
	public function after_listener( Guarded_Listener $listener, $thrown ): void {
		$this->listener = null;
		if ( $listener->index >= 0 ) {
			$this->cursor = $listener->index + 1;
		}
		if ( $thrown instanceof \Throwable ) {
			$this->notes[] = 'threw ' . $listener->name() . ': ' . self::line( $thrown );
		}
	}

	/**
	 * Gives the row back after the process was ended inside it, behind the listener that did it.
	 *
	 * @param string $how exit or fatal.
	 * @return bool Whether the row waits to be claimed again.
	 */
	public function abandon( string $how ): bool {
		if ( null !== $this->listener ) {
			$this->notes[] = $how . ' ' . $this->listener->name();
			if ( $this->listener->index >= 0 ) {
				$this->cursor = $this->listener->index + 1;
			}
			$this->listener = null;
		}
		return $this->outbox->release( $this->id(), $this->token(), $this->cursor, $this->note() );
	}

	/**
	 * Puts core's state back as it was before the firing.
	 */
	public function unwind(): void {
		global $wp_current_filter;
		if ( null !== $this->guard ) {
			$this->guard->restore();
			$wp_current_filter = $this->hooks_running; // phpcs:ignore WordPress.WP.GlobalVariablesOverride -- What do_action() left when the process was ended.
		}
	}

	/**
	 * Takes back what listeners did to the headers of the answer.
	 */
	public function restore_headers(): void {
		$this->headers->restore();
	}

	/**
	 * Row id.
	 *
	 * @return int
	 */
	public function id(): int {
		return (int) $this->row['id'];
	}

	/**
	 * Claim token.
	 *
	 * @return string
	 */
	private function token(): string {
		return (string) $this->row['claim_token'];
	}

	/**
	 * The note of the row.
	 *
	 * @param string $last A last line.
	 * @return string
	 */
	private function note( string $last = '' ): string {
		$lines = array_slice( $this->notes, -50 );
		if ( '' !== $last ) {
			$lines[] = $last;
		}
		return implode( "\n", $lines );
	}

	/**
	 * The arguments of an action as listeners declare them: native ints, strings and floats; '' for null, an int for a whole number.
	 *
	 * @param string $json JSON list.
	 * @return array|null Null where it is no list.
	 */
	public static function arguments( string $json ): ?array {
		$args = json_decode( $json, true );
		if ( ! is_array( $args ) ) {
			return null;
		}
		foreach ( $args as $place => $value ) {
			if ( null === $value ) {
				$args[ $place ] = '';
			} elseif ( is_float( $value ) && abs( $value ) < PHP_INT_MAX && floor( $value ) === $value ) {
				$args[ $place ] = (int) $value;
			}
		}
		return array_values( $args );
	}

	/**
	 * An error in one line.
	 *
	 * @param \Throwable $error Error.
	 * @return string
	 */
	private static function line( \Throwable $error ): string {
		return get_class( $error ) . ': ' . wp_html_excerpt( (string) preg_replace( '/\s+/', ' ', $error->getMessage() ), 300 );
	}
}
