<?php
/**
 * What a listener may do to the process while rows are fired: print, send headers, end it.
 *
 * Three things still run when a listener calls exit, one inside the other: shutdown functions; after an exit in one of
 * those, destructors; after that, output callbacks. Each gives the row back behind the listener that did it, and the
 * first two fire the rest in the same process.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * The rows being fired in this process, innermost last.
 */
final class Actions_Relay {

	/**
	 * Rows being fired.
	 *
	 * @var Firing[]
	 */
	private static $firing = array();

	/**
	 * Depth of output buffers below the outermost firing.
	 *
	 * @var int
	 */
	private static $buffers = 0;

	/**
	 * Whether the shutdown function is registered.
	 *
	 * @var bool
	 */
	private static $armed = false;

	/**
	 * Whether the process is past its shutdown functions.
	 *
	 * @var bool
	 */
	private static $ending = false;

	/**
	 * A row begins to fire.
	 *
	 * @param Firing $firing Row.
	 */
	public static function enter( Firing $firing ): void {
		if ( ! self::$firing ) {
			self::$buffers = ob_get_level();
			ignore_user_abort( true );
			if ( ! self::$ending ) {
				// The last global that is made is the first to be destroyed, while WordPress's own still stand.
				$GLOBALS['learnomy_relay'] = new self();
			}
			if ( ! self::$armed ) {
				self::$armed = true;
				register_shutdown_function( array( self::class, 'interrupted' ) );
			}
		}
		self::$firing[] = $firing;
		ob_start( array( self::class, 'swallow' ) );
	}

	/**
	 * A row is through; what its listeners printed is dropped.
	 *
	 * @param Firing $firing Row.
	 */
	public static function leave( Firing $firing ): void {
		$depth = self::$buffers + count( self::$firing ) - 1;
		array_pop( self::$firing );
		while ( ob_get_level() > $depth && ob_end_clean() ) {
			continue;
		}
		if ( ! self::$firing && ! self::$ending ) {
			unset( $GLOBALS['learnomy_relay'] );
		}
	}

	/**
	 * Goes on after a listener ended the process: as a shutdown function, or from the destructor.
	 */
	public static function interrupted(): void {
		if ( ! self::$firing ) {
			return;
		}
		$ids   = self::give_back();
		$depth = self::$buffers;
		while ( ob_get_level() > $depth && ob_end_clean() ) {
			continue;
		}
		Actions::resume( $ids );
	}

	/**
	 * Gives every row being fired back, behind the listener that ended the process.
	 *
	 * @return int[] Their ids, outermost first.
	 */
	private static function give_back(): array {
		$last = error_get_last();
		$how  = null !== $last && self::is_fatal( $last['type'] ) ? 'fatal' : 'exit';
		$ids  = array();
		while ( self::$firing ) {
			$firing = array_pop( self::$firing );
			array_unshift( $ids, $firing->id() );
			$firing->unwind();
			$firing->abandon( $how );
		}
		return $ids;
	}

	/**
	 * Takes back the headers of a listener that ended the process, before anything is sent.
	 */
	public static function restore_headers(): void {
		foreach ( array_reverse( self::$firing ) as $firing ) {
			$firing->restore_headers();
		}
	}

	/**
	 * Drops what listeners print; at the very end of a process, gives the rows back.
	 *
	 * @return string
	 */
	public static function swallow(): string {
		$last = error_get_last();
		if ( self::$firing && ( self::$ending || ( null !== $last && self::is_fatal( $last['type'] ) ) ) ) {
			self::give_back();
			Actions::give_up();
		}
		return '';
	}

	/**
	 * The process is past its shutdown functions: one of them ended it.
	 */
	public function __destruct() {
		if ( self::$firing ) {
			self::$ending = true;
			self::interrupted();
		}
	}

	/**
	 * Whether an error ends the process.
	 *
	 * @param int $type Error type.
	 * @return bool
	 */
	private static function is_fatal( int $type ): bool {
		return 0 !== ( $type & ( E_ERROR | E_PARSE | E_CORE_ERROR | E_COMPILE_ERROR | E_USER_ERROR | E_RECOVERABLE_ERROR ) );
	}
}

/**
 * The headers of the answer being made, to put back what listeners change.
 */
final class Sent_Headers {

	/**
	 * Headers.
	 *
	 * @var string[]
	 */
	private $headers;

	/**
	 * Status.
	 *
	 * @var int
	 */
	private $status;

	/**
	 * Takes them down.
	 */
	public function __construct() {
		$this->headers = headers_list();
		$this->status  = (int) http_response_code();
	}

	/**
	 * Puts them back.
	 */
	public function restore(): void {
		if ( headers_sent() ) {
			return;
		}
		if ( headers_list() !== $this->headers ) {
			header_remove();
			foreach ( $this->headers as $header ) {
				header( $header, false );
			}
		}
		if ( $this->status > 0 && http_response_code() !== $this->status ) {
			http_response_code( $this->status );
		}
	}
}
