<?php
/**
 * A database connection of our own for the outbox.
 *
 * The row is the only memory of what was fired, so its changes must be committed before a listener runs,
 * whatever transaction a plugin holds open on WordPress's connection.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * WordPress's own database class, which never ends the process when the database is away.
 */
final class Outbox_Connection extends \wpdb {

	/**
	 * The one connection of this process.
	 *
	 * @var \wpdb|null
	 */
	private static $open;

	/**
	 * Our connection, or WordPress's where a second one cannot be had.
	 *
	 * @return \wpdb
	 */
	public static function get(): \wpdb {
		global $wpdb;
		if ( null === self::$open ) {
			$mine       = new self( DB_USER, DB_PASSWORD, DB_NAME, DB_HOST );
			self::$open = $mine->ready ? $mine : $wpdb;
		}
		return self::$open;
	}

	/**
	 * Connects, with one isolation for all our claims.
	 *
	 * @param bool $allow_bail Ignored: this class never ends the process.
	 * @return bool
	 */
	public function db_connect( $allow_bail = true ) {
		$this->suppress_errors( true );
		$connected = parent::db_connect( false );
		if ( $connected ) {
			$this->query( 'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED' );
		}
		return $connected;
	}

	/**
	 * Reconnects where the connection was lost.
	 *
	 * @param bool $allow_bail Ignored.
	 * @return bool
	 */
	public function check_connection( $allow_bail = true ) {
		return (bool) parent::check_connection( false );
	}

	/**
	 * Says nothing and goes on.
	 *
	 * @param string $message    Ignored.
	 * @param string $error_code Ignored.
	 * @return bool
	 */
	public function bail( $message, $error_code = '500' ) {
		return false;
	}
}
